import type { DescMethod, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { decodeMessage, encodeMessage } from "../../../src/service/message-codec.js";
import { wireName } from "../../../src/service/quorate-service.js";
import type { ReplicatedContext, StateMachine } from "../../../src/sessions/server/session-handlers.js";
import { Payments, type PayRequestSchema, ReceiptSchema } from "../../gen/payments/v1/payments_pb.js";
import { Register, ValueSchema } from "../../gen/register/v1/register_pb.js";
import type { Register as RegisterService } from "../../gen/register/v1/register_quorate.js";
import { Test } from "../../gen/test/v1/test_pb.js";
import type { RawAnswer, RawRequest } from "./raw-session-client.js";

type Handler = (
  request: { readonly key: string; readonly value: string },
  context: ReplicatedContext,
) => object;

/** Texts by key. Writes down what it runs, and with which context; the handlers of writes may be replaced. */
export class TestRegister implements StateMachine<typeof RegisterService> {
  /** The values that were appended or written, in the order in which that was run. */
  readonly runs: string[] = [];
  readonly contexts: ReplicatedContext[] = [];
  /** Runs in place of `append`. */
  onAppend: Handler | undefined;
  /** Runs in place of `read`. */
  onRead: ((context: ReplicatedContext) => object) | undefined;
  #values = new Map<string, string>();

  append(request: { readonly key: string; readonly value: string }, context: ReplicatedContext) {
    this.runs.push(request.value);
    this.contexts.push(context);
    if (this.onAppend !== undefined) return this.onAppend(request, context);
    return this.#set(request.key, this.value(request.key) + request.value);
  }

  write({ key, value }: { readonly key: string; readonly value: string }, context: ReplicatedContext) {
    this.runs.push(value);
    this.contexts.push(context);
    this.#set(key, value);
    return {};
  }

  compareAndSet({ key, value }: { readonly key: string; readonly value: string }) {
    return this.#set(key, value);
  }

  read({ key }: { readonly key: string }, context: ReplicatedContext): { value: string } {
    this.contexts.push(context);
    return (this.onRead?.(context) as { value: string } | undefined) ?? { value: this.value(key) };
  }

  value(key: string): string {
    return this.#values.get(key) ?? "";
  }

  snapshot(): Uint8Array {
    const sorted = [...this.#values].sort(([a], [b]) => (a < b ? -1 : 1));
    return new TextEncoder().encode(JSON.stringify(sorted));
  }

  restore(bytes: Uint8Array): void {
    this.#values = new Map(JSON.parse(new TextDecoder().decode(bytes)) as [string, string][]);
  }

  #set(key: string, value: string): { value: string } {
    this.#values.set(key, value);
    return { value };
  }
}

/** A write of the replicated service, which says all that was appended. */
export function append(value: string, key = "k"): RawRequest {
  return requestOf(Register.method.append, { key, value });
}

/** A write of the replicated service, which says nothing. */
export function write(value: string, key = "k"): RawRequest {
  return requestOf(Register.method.write, { key, value });
}

/** A read of the replicated service. */
export function read(key = "k"): RawRequest {
  return requestOf(Register.method.read, { key });
}

/** A write of the guarded service. */
export function pay(text: string): RawRequest {
  return requestOf(Payments.method.pay, { text } satisfies MessageInitShape<typeof PayRequestSchema>);
}

/** A read of the guarded service. */
export function paid(): RawRequest {
  return requestOf(Payments.method.paid, {});
}

/** A call of a plain service. */
export function echo(value: string): RawRequest {
  return requestOf(Test.method.echoRPC, { value });
}

/** What a read or an append answered. Throws the error that came in its place. */
export function valueOf({ error, payload }: RawAnswer): string {
  if (error !== undefined) throw error;
  return (decodeMessage(ValueSchema, payload) as MessageShape<typeof ValueSchema>).value;
}

/** What a guarded method answered. */
export function receiptOf({ error, payload }: RawAnswer): string {
  if (error !== undefined) throw error;
  return (decodeMessage(ReceiptSchema, payload) as MessageShape<typeof ReceiptSchema>).text;
}

function requestOf<Method extends DescMethod>(
  method: Method,
  message: MessageInitShape<Method["input"]>,
): RawRequest {
  return { method: wireName(method), payload: encodeMessage(method.input, message) };
}
