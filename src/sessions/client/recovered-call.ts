import type { QuorateError } from "../../../internal/errors/quorate-error.js";
import { Metadata } from "../../../internal/wire/metadata.js";
import type { RawReply } from "../../calls/raw-call.js";
import type { AwaitedRequest } from "./awaited-request.js";
import type { NumberedRequest } from "./request-ledger.js";
import type { RecoveredRequest } from "./session.js";

/** A request of a restored session: there is no caller, and no message type to decode its reply with. */
export class RecoveredCall implements AwaitedRequest, RecoveredRequest {
  readonly request: number;
  readonly method: string;
  readonly payload: Uint8Array;
  readonly metadata: Metadata = Metadata.empty;
  readonly reply: Promise<Uint8Array>;
  #resolve: (payload: Uint8Array) => void = () => {};
  #reject: (error: QuorateError) => void = () => {};

  constructor({ request, method, payload }: NumberedRequest) {
    this.request = request;
    this.method = method;
    this.payload = payload;
    this.reply = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Nobody need look at it.
    this.reply.catch(() => {});
  }

  answered({ payload, error }: RawReply): void {
    if (error === undefined) this.#resolve(payload);
    else this.#reject(error);
  }

  failed(error: QuorateError): void {
    this.#reject(error);
  }
}
