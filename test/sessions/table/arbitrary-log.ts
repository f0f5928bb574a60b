import * as fc from "fast-check";
import { id, type RequestParts, TestTable, text } from "./test-table.js";

/** One thing that clients and servers may do next; what it comes to depends on the state then. */
type Step = (test: TestTable) => void;

const clients = fc.integer({ min: 1, max: 4 });
/** Mostly the user whose the client is, sometimes another one. */
const wrongUser = fc.oneof(
  { weight: 6, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constantFrom("ann", "bob", "") },
);
const userOf = (client: number): string => ["ann", "bob", "ann", ""][client % 4] ?? "";
/** Mostly the number that is right, sometimes one beside it. */
const offset = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: -2, max: 2 }) },
);

/** Mostly a client that has a session. */
const someClient = fc.nat(11);
function pick(test: TestTable, number: number): number {
  const present = test.clients();
  return number === 0 ? 4 : (present[number % Math.max(present.length, 1)] ?? 1);
}

const parts = fc.record({ client: someClient, session: offset, request: offset, unanswered: fc.nat(5) });

function requestOf(
  test: TestTable,
  one: { session: number; request: number; unanswered: number; client: number },
) {
  const client = pick(test, one.client);
  const present = test.session(client);
  const request = Math.max(1, (present?.highest ?? 0) + 1 + one.request);
  const session = Math.max(1, (present?.session ?? 1) + one.session);
  const respondedTo = Math.max(0, request - 1 - one.unanswered);
  return { client, request, parts: { session, respondedTo } satisfies RequestParts };
}

const register: fc.Arbitrary<Step> = fc
  .record({
    client: clients,
    user: wrongUser,
    nonce: fc.nat(2),
    previous: fc.constantFrom("none", "held", "old"),
  })
  .map(({ client, user = userOf(client), nonce, previous }) => (test) => {
    const held = test.session(client)?.session ?? 5;
    test.register(client, {
      user,
      nonce,
      previous: previous === "none" ? 0 : previous === "held" ? held : 1,
    });
  });

const request: fc.Arbitrary<Step> = fc
  .record({ parts, size: fc.nat(40), kind: fc.constantFrom("request", "refused", "intent") })
  .map(({ parts: one, size, kind }) => (test) => {
    const { client, request: number, parts: more } = requestOf(test, one);
    const payload = "x".repeat(size);
    if (kind === "request") test.request(client, number, { ...more, payload });
    else if (kind === "intent") test.intent(client, number, { ...more, serverId: `s${size % 2}` });
    else test.put({ kind: "refused", stamp: test.stamp(client, number, more), status: text(payload) });
  });

const closing: fc.Arbitrary<Step> = fc
  .record({ which: fc.nat(3), kind: fc.constantFrom("result", "verdict"), size: fc.nat(40) })
  .map(({ which, kind, size }) => (test) => {
    const intents = [...test.table.intents()];
    const intentOp = intents[which % Math.max(intents.length, 1)]?.op ?? 1;
    const reply = { kind: "payload", bytes: new Uint8Array(size) } as const;
    test.put(kind === "result" ? { kind, intentOp, reply } : { kind: "verdict", intentOp });
  });

const keepAlive: fc.Arbitrary<Step> = fc
  .record({ number: someClient, session: offset, respondedTo: fc.nat(8) })
  .map(({ number, session, respondedTo }) => (test) => {
    const client = pick(test, number);
    test.keepAlive(client, respondedTo, Math.max(1, (test.session(client)?.session ?? 1) + session));
  });

const ending: fc.Arbitrary<Step> = fc
  .record({ number: someClient, session: offset, expire: fc.boolean(), idle: fc.boolean() })
  .map(({ number, session, expire, idle }) => (test) => {
    const client = pick(test, number);
    if (idle) test.tick(6);
    const present = test.session(client);
    const named = { client: id(client), session: Math.max(1, (present?.session ?? 1) + session) };
    const lastUseOp = present?.lastUseOp ?? 1;
    test.put(expire ? { kind: "expire", ...named, lastUseOp } : { kind: "unregister", ...named });
  });

const ticks: fc.Arbitrary<Step> = fc
  .record({ stale: fc.boolean(), count: fc.integer({ min: 1, max: 3 }) })
  .map(({ stale, count }) => (test) => {
    if (stale) test.put({ kind: "tick", previousOp: test.table.tickOp + 1 });
    else test.tick(count);
  });

const other: fc.Arbitrary<Step> = fc
  .record({
    kind: fc.constantFrom("call", "serverUp", "check", "configure"),
    number: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ kind, number }) => (test) => {
    if (kind === "call") test.put({ kind, user: "ann", method: "m", payload: text("c") }, 900 + 100 * number);
    else if (kind === "serverUp") test.put({ kind, serverId: `s${number % 2}` });
    else if (kind === "check") test.put({ kind, op: number, hash: "00" });
    else {
      const limits = { ...test.table.limits, maxSessions: number, maxSessionsPerUser: Math.min(number, 2) };
      const previousOp = number === 1 ? 1 : test.table.configureOp;
      test.put({ kind: "configure", previousOp, limits, format: 1 });
    }
  });

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: register },
  { weight: 12, arbitrary: request },
  { weight: 4, arbitrary: closing },
  { weight: 2, arbitrary: keepAlive },
  { weight: 2, arbitrary: ending },
  { weight: 2, arbitrary: ticks },
  { weight: 1, arbitrary: other },
);

/** Random steps, not taken yet. */
export const steps: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 1, maxLength: 80, size: "max" });

/** A table that has nothing to spare: few sessions, a small window, short times. */
export function smallTable(): TestTable {
  return new TestTable({
    maxSessions: 3,
    maxSessionsPerUser: 2,
    maxInFlight: 3,
    maxReplyBytes: 30,
    tickMs: 10,
    guardTimeoutMs: 20,
    idleTimeoutMs: 50,
  });
}
