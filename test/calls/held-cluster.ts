import { type HandlerContext, type OwnedConfiguration, QuorateError, type QuorateEvent } from "quorate";
import { createLocalCluster, type LocalCluster, type LocalClusterOptions } from "quorate/testing";
import { connected } from "../conformance/stages.js";
import type { EchoRequest } from "../gen/test/v1/test_pb.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";

/** A request that a server holds until the test answers it. */
export interface HeldRequest {
  readonly request: EchoRequest;
  readonly context: HandlerContext;
  reply(value: string): void;
  fail(error: QuorateError): void;
}

/** Servers that answer when, and in the order in which, a test says so; and a client of them. */
export interface HeldCluster extends AsyncDisposable {
  readonly cluster: LocalCluster;
  readonly client: OwnedConfiguration;
  /** Events of the client. */
  readonly events: QuorateEvent[];
  /** What the node has received and not answered. */
  readonly held: (node: number) => HeldRequest[];
  /** The next request that the node receives, or has received. */
  readonly next: (node: number) => Promise<HeldRequest>;
  /** Answers the next request of each of the nodes, in this order, with `value at <node>`. */
  readonly answer: (...nodes: readonly number[]) => Promise<void>;
}

export async function holdingCluster(size: number, options: LocalClusterOptions = {}): Promise<HeldCluster> {
  const queues = new Map<number, HeldRequest[]>();
  const held = (node: number) => {
    const queue = queues.get(node) ?? [];
    queues.set(node, queue);
    return queue;
  };
  const unanswered = new Set<() => void>();
  let closing = false;
  const hold = (node: number) => (request: EchoRequest, context: HandlerContext) => {
    context.release();
    return new Promise<{ value: string }>((resolve, reject) => {
      if (closing) return resolve({ value: "too late" });
      unanswered.add(() => resolve({ value: "unanswered" }));
      held(node).push({ request, context, reply: (value) => resolve({ value }), fail: reject });
    });
  };
  const cluster = await createLocalCluster(size, {
    ...options,
    routes: (router, node) =>
      router.service(Test, {
        echoRPC: hold(node),
        echoPlain: hold(node),
        echoQC: hold(node),
        echoUnicast: (request, context) => void hold(node)(request, context),
        echoMulticast: (request, context) => void hold(node)(request, context),
        echoCorrectable: async (request, context) => [await hold(node)(request, context)],
      }),
  });
  const events: QuorateEvent[] = [];
  const client = await connected(cluster.connect({ onEvent: (event) => events.push(event) }));
  const next = async (node: number) => {
    await eventually(() => held(node).length > 0, `a request at node ${node}`);
    const [first] = held(node).splice(0, 1);
    if (first === undefined) throw new Error(`nothing is held at ${node}`);
    return first;
  };
  const answer = async (...nodes: readonly number[]) => {
    for (const node of nodes) (await next(node)).reply(`at ${node}`);
  };
  const close = () => {
    // A server that closes waits for its handlers.
    closing = true;
    for (const release of unanswered) release();
    return cluster.close();
  };
  return { cluster, client, events, held, next, answer, [Symbol.asyncDispose]: close };
}

/** Whether a promise is settled, or will be by what has happened already. */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = () => {
    settled = true;
  };
  promise.then(note, note);
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

export async function rejectionOf<T>(promise: Promise<T>): Promise<QuorateError> {
  const error = await promise.then(
    () => new Error("the promise was not rejected"),
    (thrown: unknown) => thrown,
  );
  if (error instanceof QuorateError) return error;
  throw error;
}
