import { createClient } from "quorate";
import {
  createMemoryLogStore,
  createSessions,
  openSession,
  type Sessions,
  sessionClient,
} from "quorate/sessions";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { Register } from "../gen/register/v1/register_quorate.js";
import { checkLeaks } from "../helpers/leaks.js";
import { RegisterMachine } from "../sessions/linearizability/register-machine.js";

checkLeaks();

describe("the extensions of a local cluster", () => {
  it("are made for each server anew, also when it is started again", async () => {
    const store = createMemoryLogStore();
    const made: { readonly nodeId: number; readonly sessions: Sessions }[] = [];
    await using cluster = await createLocalCluster(3, {
      extensions: (nodeId) => {
        const machine = new RegisterMachine();
        const sessions = createSessions({ log: store.open() }).replicate(Register, machine, {
          snapshot: () => machine.snapshot(),
          restore: (bytes) => machine.restore(bytes),
        });
        made.push({ nodeId, sessions });
        return [sessions];
      },
    });
    const configuration = await cluster.connect({ extensions: [sessionClient()] });
    await using session = await openSession(configuration, { prefer: (a, b) => a.id - b.id });
    const register = createClient(Register, session);
    expect((await register.append({ key: "k", value: "a" })).value).toBe("a");
    await cluster.servers[0]?.close({ graceMs: 0 });
    expect((await register.append({ key: "k", value: "b" })).value).toBe("ab");
    await cluster.restart(1);
    expect((await register.append({ key: "k", value: "c" })).value).toBe("abc");
    expect(made.map(({ nodeId }) => nodeId)).toEqual([1, 2, 3, 1]);
    const [, , , again] = made;
    expect(again?.sessions.snapshot()).toMatchObject({ sessions: 1 });
  });
});
