import type { EtcdWatch } from "./etcd-client.js";
import type { WatchResponse } from "./gen/etcd/rpc_pb.js";
import type { OwnBatches, StoredBatch } from "./own-batches.js";

/** What comes next: a batch of this handle, or an answer of the watch. */
export type WatchNews =
  | { readonly kind: "own"; readonly batch: StoredBatch }
  | { readonly kind: "told"; readonly response: WatchResponse };

/**
 * What a watch tells, and between that the batches that this handle puts itself: each as soon as it is committed, if it comes
 * next after the revision that `lastRead` answers with. The watch tells of them as well.
 */
export async function* watchWithOwn(
  watch: EtcdWatch,
  own: OwnBatches,
  lastRead: () => bigint,
): AsyncGenerator<WatchNews, void, undefined> {
  const told = watch[Symbol.asyncIterator]();
  let wake = () => {};
  let answer: Answer | undefined;
  let isAsked = false;
  const answered = (one: Answer) => {
    answer = one;
    isAsked = false;
    wake();
  };
  const stopListening = own.listen(() => wake());
  try {
    while (true) {
      const batch = own.after(lastRead());
      if (batch !== undefined) {
        yield { kind: "own", batch };
      } else if (answer === undefined) {
        if (!isAsked) {
          isAsked = true;
          told.next().then(
            (result) => answered({ ok: true, result }),
            (error: unknown) => answered({ ok: false, error }),
          );
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      } else {
        if (!answer.ok) throw answer.error;
        if (answer.result.done === true) return;
        const response = answer.result.value;
        answer = undefined;
        yield { kind: "told", response };
      }
    }
  } finally {
    stopListening();
    // Who waits would have to wait to the end.
    if (isAsked) watch.cancel();
    await told.return?.().catch(() => {});
  }
}

type Answer =
  | { readonly ok: true; readonly result: IteratorResult<WatchResponse, unknown> }
  | { readonly ok: false; readonly error: unknown };
