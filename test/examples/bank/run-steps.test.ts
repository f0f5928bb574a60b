import { describe, expect, it } from "vitest";
import type { ClientReport } from "../../../examples/bank/demo/commands.js";
import { planFaults } from "../../../examples/bank/demo/fault-plan.js";
import { runSteps } from "../../../examples/bank/demo/run-steps.js";
import { type StepResult, Steps } from "../../../examples/storage/demo/steps.js";
import { checkLeaks } from "../../helpers/leaks.js";

checkLeaks();

const users = ["ann", "bob"];

/** Processes that say that all went well, but for what is given. */
function fakeScene(client: Partial<ClientReport> = {}, sessionsLeft = 0, exitCode = 0) {
  const report: ClientReport = {
    transfers: 50,
    refused: 3,
    audits: 2,
    registrations: 3,
    failOvers: 0,
    retries: 9,
    replays: 4,
    ledger: 100,
    ...client,
  };
  let answered = 0;
  let open = 0;
  const commands: Readonly<Record<string, () => unknown>> = {
    open: () => ++open,
    close: () => (open = sessionsLeft),
    progress: () => (answered += 50),
    transferOnce: () => "ann-1",
    stop: () => 50,
    compare: () => report,
  };
  const clients = users.map((user) => ({
    login: { kind: "password", user },
    proxy: { port: 1, lose: () => {}, cut: () => 1, cutAfter: async () => {}, lostBytes: 1_000 },
    worker: { name: user, run: async (name: string) => commands[name]?.(), stop: async () => exitCode },
  }));
  const totals = { joined: 1, replayed: 9, appliedOp: 120, snapshots: 3, restores: 2, reloads: 0 };
  const server = {
    start: async () => "127.0.0.1:1",
    kill: async () => {},
    hasTransfer: async () => true,
    totals: async () => ({ ...totals, sessions: open }),
    stop: async () => 0,
  };
  return { server, clients } as never;
}

const plan = planFaults({ seed: 1, clients: users.length, kills: 2, cuts: 3 });

async function run(scene: never) {
  const results: StepResult[] = [];
  const steps = new Steps(5_000, (result) => results.push(result));
  const outcome = await runSteps(steps, scene, plan, { seed: 1, sessions: true }).catch(() => undefined);
  return { outcome, last: results.at(-1) };
}

describe("runSteps", () => {
  it("adds up what clients and servers have counted", async () => {
    const { outcome, last } = await run(fakeScene());
    expect(last).toMatchObject({ name: "close in order", ok: true });
    expect(outcome).toEqual({
      seed: 1,
      faults: { cut: 1, loseRequests: 1, loseAnswers: 1, kill: 1, killUnanswered: 1 },
      transfers: 100,
      refused: 6,
      audits: 4,
      registrations: 6,
      retries: 18,
      duplicates: 10,
      joined: 1,
      replays: 8,
      snapshots: 3,
      restores: 2,
      entries: 120,
    });
  });

  it("takes replays that no server could tell of for duplicates as well", async () => {
    const { outcome } = await run(fakeScene({ replays: 7 }));
    expect(outcome).toMatchObject({ duplicates: 14, replays: 14 });
  });

  const proof = "look whether that proves anything";
  it.each([
    ["no request was sent again", fakeScene({ retries: 0 }), proof, /no request was written again/],
    [
      "there were fewer replays than forced",
      fakeScene({ replays: 0 }),
      proof,
      /0 receipts were kept replies/,
    ],
    ["the ledger has more", fakeScene({ ledger: 101 }), "compare receipts and ledger", /101, 101 entries/],
    ["a session is left", fakeScene({}, 1), "close in order", /still has 1 sessions/],
    ["a process does not end well", fakeScene({}, 0, 1), "close in order", /exit codes 1, 1, 0/],
  ])("fails where %s", async (_, scene, name, detail) => {
    const { outcome, last } = await run(scene);
    expect(outcome).toBeUndefined();
    expect(last).toMatchObject({ name, ok: false, detail: expect.stringMatching(detail) });
  });
});
