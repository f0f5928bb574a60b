import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SessionState } from "../../../src/sessions/client/session-state.js";
import { answerOf, client, errorOf, nonceOf } from "./client-session.js";

type Step =
  | { readonly kind: "start" | "write" | "resend" | "lose" | "again" | "answerRegister" | "restore" }
  | { readonly kind: "complete"; readonly pick: number; readonly hasOp: boolean }
  | { readonly kind: "limits"; readonly maxInFlight: number };

const plain = (kind: "start" | "write" | "resend" | "lose" | "again" | "answerRegister" | "restore") =>
  fc.constant<Step>({ kind });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: plain("start") },
    { weight: 6, arbitrary: plain("write") },
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant("complete" as const), pick: fc.nat(), hasOp: fc.boolean() }),
    },
    { weight: 4, arbitrary: plain("answerRegister") },
    plain("resend"),
    plain("lose"),
    plain("again"),
    plain("restore"),
    fc.record({ kind: fc.constant("limits" as const), maxInFlight: fc.integer({ min: 1, max: 6 }) }),
  ),
  { maxLength: 120 },
);

/**
 * A session, driven at random, beside what is known of it without looking into it: sets instead of counters. Servers
 * apply what was written, in the order of the numbers.
 */
class Model {
  state: SessionState = new SessionState(client);
  readonly #given = new Map<number, number>();
  readonly #answered = new Set<number>();
  readonly #written = new Set<number>();
  #pending = new Set<number>();
  #highest = 0;
  #op = 100;
  #session = 0;
  #created = 0;
  #nonces = 0;
  #maxInFlight = 4;
  #registration = this.#register();
  #repeats = false;
  #respondedTo = 0;

  run(step: Step): void {
    const { state } = this;
    const isActive = state.phase === "active";
    if (step.kind === "start" && isActive) this.#start();
    else if (step.kind === "write" && isActive) this.#write();
    else if (step.kind === "complete") this.#complete(step.pick, step.hasOp);
    else if (step.kind === "answerRegister" && state.phase === "registering") this.#answerRegister();
    else if (step.kind === "resend" && isActive) {
      state.resend();
      this.#pending = this.#open();
    } else if (step.kind === "lose" && isActive) {
      this.#registration = this.#register();
      this.#repeats = false;
    } else if (step.kind === "again" && isActive) {
      this.#registration = state.registerAgain();
      this.#repeats = true;
    } else if (step.kind === "restore" && this.#session > 0) this.#restore();
    else if (step.kind === "limits" && isActive) {
      this.#maxInFlight = step.maxInFlight;
      state.updateLimits(this.#answer().limits);
    }
    this.#check();
  }

  end(): void {
    const failed = this.state.end(errorOf("NO_SESSION"));
    const outcomes = failed.map(({ request, error }) => [request, error.reason]);
    const outcome = (request: number) => (this.#written.has(request) ? "OUTCOME_UNKNOWN" : "NO_SESSION");
    assert.deepEqual(
      outcomes,
      [...this.#open()].map((request) => [request, outcome(request)]),
    );
  }

  #register() {
    this.#nonces += 1;
    return this.state.register(nonceOf(this.#nonces));
  }

  #start(): void {
    const { state } = this;
    const number = Math.max(0, ...this.#given.keys()) + 1;
    const fits = number <= this.#prefix() + this.#maxInFlight;
    assert.equal(state.hasRoom, fits);
    const record = { method: "a.B/C", payload: Uint8Array.of(this.#given.size & 0xff) };
    if (!fits) {
      assert.throws(() => state.start(record), /in flight/);
      return;
    }
    assert.equal(state.start(record), number);
    assert(!this.#given.has(number));
    this.#given.set(number, record.payload[0] ?? 0);
    this.#pending.add(number);
  }

  #write(): void {
    const { state } = this;
    const [lowest] = [...this.#pending].sort((a, b) => a - b);
    const next = state.nextToWrite();
    assert.equal(next?.request, lowest);
    if (next === undefined) return;
    assert.deepEqual(next.payload, Uint8Array.of(this.#given.get(next.request) ?? -1));
    state.wrote(next.request);
    this.#pending.delete(next.request);
    this.#written.add(next.request);
    this.#highest = Math.max(this.#highest, next.request);
  }

  #complete(pick: number, hasOp: boolean): void {
    const candidates = [...this.#written];
    const request = candidates[pick % Math.max(candidates.length, 1)];
    if (request === undefined || this.state.phase === "new") return;
    this.#op += 1;
    assert.equal(this.state.complete(request, hasOp ? this.#op : undefined), !this.#answered.has(request));
    this.#answered.add(request);
    this.#pending.delete(request);
    // What was answered was applied; a process that was restored may have written it before.
    this.#highest = Math.max(this.#highest, request);
  }

  #answerRegister(): void {
    if (!this.#repeats) {
      this.#op += 1;
      this.#session = this.#op;
      this.#created ||= this.#op;
    }
    assert.deepEqual(this.state.registered(this.#registration, this.#answer()), { kind: "active" });
    this.#pending = this.#open();
  }

  #restore(): void {
    const bytes = this.state.export();
    const restored = SessionState.restore(bytes);
    assert.deepEqual(restored.export(), bytes);
    const { session, respondedTo, nextRequest, lowestUnanswered } = this.state;
    assert.deepEqual(
      [restored.session, restored.respondedTo, restored.nextRequest, restored.lowestUnanswered],
      [session, respondedTo, nextRequest, lowestUnanswered],
    );
    this.state = restored;
    for (const request of this.#open()) this.#written.add(request);
    this.#registration = this.#register();
    this.#repeats = false;
  }

  #check(): void {
    const { state } = this;
    assert.equal(state.respondedTo, this.#prefix());
    assert(state.respondedTo >= this.#respondedTo);
    this.#respondedTo = state.respondedTo;
    const open = [...this.#open()];
    assert.equal(state.lowestUnanswered, open[0]);
    for (const request of this.#given.keys())
      assert.equal(state.isUnanswered(request), open.includes(request));
  }

  #answer() {
    return answerOf({
      session: this.#session,
      created: this.#created,
      highest: this.#highest,
      limits: { ...answerOf().limits, maxInFlight: this.#maxInFlight },
    });
  }

  /** In order: a Map keeps the one in which the numbers were given out. */
  #open(): Set<number> {
    return new Set([...this.#given.keys()].filter((request) => !this.#answered.has(request)));
  }

  #prefix(): number {
    let end = 0;
    while (this.#answered.has(end + 1)) end += 1;
    return end;
  }
}

describe("SessionState, in any sequence of steps", () => {
  it("reuses no number, keeps to the window, to order and to the gapless prefix, and survives export", () => {
    const check = fc.property(steps, (all) => {
      const model = new Model();
      for (const step of all) model.run(step);
      model.end();
    });
    expect(() => fc.assert(check, { numRuns: 500 })).not.toThrow();
  });
});
