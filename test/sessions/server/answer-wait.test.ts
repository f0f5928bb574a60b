import { afterEach, describe, expect, it, vi } from "vitest";
import type { EncodedAnswer, IncomingRequest } from "../../../internal/stream/request-handler.js";
import {
  AnswerWait,
  type AnswerWaits,
  type Outcome,
  settle,
} from "../../../src/sessions/server/answer-wait.js";
import { refusal } from "../../../src/sessions/session-errors.js";
import { checkLeaks } from "../../helpers/leaks.js";

checkLeaks();
afterEach(() => {
  vi.useRealTimers();
});

/** A request that writes down what it is answered. */
function newRequest() {
  const answers: (EncodedAnswer | string | undefined)[] = [];
  const request: Pick<IncomingRequest, "answer" | "fail"> = {
    answer: (answer) => void answers.push(answer),
    fail: ({ reason }) => void answers.push(reason),
  };
  return { request: request as IncomingRequest, answers };
}

const bytes = Uint8Array.of(1, 2);
const answer: Outcome = { kind: "answer", op: 7, reply: { kind: "payload", bytes } };
const refused: Outcome = { kind: "refused", error: refusal("NO_SESSION") };

describe("AnswerWait", () => {
  it("answers once, with the first outcome, and tells of it behind the answer", async () => {
    const { request, answers } = newRequest();
    const told: number[] = [];
    const wait = new AnswerWait(request, 1_000, () => told.push(answers.length));
    wait.end(answer);
    wait.end(refused);
    await wait.done;
    expect(answers).toEqual([{ payload: bytes, entries: [{ key: "quorate-op", value: "7" }] }]);
    expect(told).toEqual([1]);
  });

  it("waits with those whom it joined last, and with nobody once it is answered", () => {
    const { request, answers } = newRequest();
    const [first, second]: AnswerWaits[] = [new Set(), new Set()];
    if (first === undefined || second === undefined) throw new Error("unreachable");
    const wait = new AnswerWait(request, 1_000);
    wait.join(first);
    wait.join(second);
    settle(first, answer);
    expect(answers).toEqual([]);
    settle(second, refused);
    expect(answers).toEqual(["NO_SESSION"]);
    wait.join(first);
    expect([first.size, second.size]).toEqual([0, 0]);
  });

  it("is refused with RETRY when its time is over, and leaves those with whom it waited", () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const { request, answers } = newRequest();
    const waits: AnswerWaits = new Set();
    const wait = new AnswerWait(request, 1_000);
    wait.join(waits);
    vi.advanceTimersByTime(999);
    expect(answers).toEqual([]);
    vi.advanceTimersByTime(10);
    expect(answers).toEqual(["RETRY"]);
    settle(waits, answer);
    expect(answers).toHaveLength(1);
    expect(waits.size).toBe(0);
  });
});
