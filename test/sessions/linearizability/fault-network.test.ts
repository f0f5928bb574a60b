import { describe, expect, it } from "vitest";
import { createClient } from "../../../src/calls/create-client.js";
import type { Configuration } from "../../../src/configuration/configuration.js";
import type { Node } from "../../../src/configuration/node.js";
import { connect } from "../../../src/connect.js";
import { createServer } from "../../../src/server/create-server.js";
import type { Router } from "../../../src/server/router.js";
import { Test } from "../../gen/test/v1/test_quorate.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { seededRandom } from "../../helpers/seeded-random.js";
import { echoHandlers } from "../../helpers/test-service.js";
import { createFaultNetwork } from "./fault-network.js";
import { type FaultKind, Faults, pause } from "./faults.js";
import { runInVirtualTime } from "./virtual-time.js";

checkLeaks();

const echo = (router: Router) => router.service(Test, echoHandlers());
const address = "127.0.0.1:9001";
const seeds = Array.from({ length: 30 }, (_, at) => at + 1);

describe("createFaultNetwork", () => {
  it("loses, repeats, delays and breaks, and is a good network once it is healed", async () => {
    const counts = new Map<FaultKind, number>();
    for (const seed of seeds) {
      const random = seededRandom(seed);
      const faults = new Faults(random);
      await runInVirtualTime(() => callThroughFaults(faults), { random, maxEvents: 100_000 });
      for (const [kind, count] of faults.counts) counts.set(kind, (counts.get(kind) ?? 0) + count);
    }
    const kinds: FaultKind[] = [
      "stream cut",
      "stream cut, the server does not know yet",
      "dial failed",
      "request lost",
      "request late",
      "request duplicated",
      "request overtaken",
      "answer lost",
      "answer late",
      "answer duplicated",
      "answer overtaken",
    ];
    for (const kind of kinds) expect(counts.get(kind) ?? 0, kind).toBeGreaterThan(0);
  });

  it("does nothing of its own will to what a healed run sends", async () => {
    const random = seededRandom(1);
    const faults = new Faults(random);
    faults.heal();
    const { arrived, answered } = await runInVirtualTime(() => callThroughFaults(faults), {
      random,
      maxEvents: 100_000,
    });
    expect(arrived).toEqual(Array.from({ length: 60 }, (_, at) => String(at)));
    expect(answered).toBe(60);
  });

  it("hears nothing of a process that was pulled out, nor of a server that crashed", async () => {
    const random = seededRandom(2);
    const faults = new Faults(random);
    faults.heal();
    const reached = await runInVirtualTime(
      async () => {
        const network = createFaultNetwork(faults);
        const server = await createServer({ address, transport: network.plug(), routes: echo });
        const [plug, other] = [network.plug(), network.plug()];
        const pulled = await connect({ nodes: [address], transport: plug });
        const left = await connect({ nodes: [address], transport: other, backoff: { minMs: 5, maxMs: 5 } });
        const reaches = (configuration: typeof pulled) =>
          answers(createClient(Test, only(configuration)).echoRPC({ value: "" }, { timeoutMs: 200 }));
        const before = [await reaches(pulled), await reaches(left)];
        plug.pull();
        const afterPull = [await reaches(pulled), await reaches(left)];
        network.crash(address);
        const afterCrash = await reaches(left);
        network.restart(address);
        await pause(50);
        const afterRestart = [await reaches(pulled), await reaches(left)];
        await Promise.all([pulled.close(), left.close(), server.close()]);
        await pause(2_500);
        return { before, afterPull, afterCrash, afterRestart };
      },
      { random, maxEvents: 100_000 },
    );
    expect(reached).toEqual({
      before: [true, true],
      afterPull: [false, true],
      afterCrash: false,
      afterRestart: [false, true],
    });
  });
});

function only({ nodes: [node] }: Configuration): Node {
  if (node === undefined) throw new Error("there is no server");
  return node;
}

async function callThroughFaults(faults: Faults): Promise<{ arrived: string[]; answered: number }> {
  const network = createFaultNetwork(faults);
  const arrived: string[] = [];
  const handlers = echoHandlers();
  const server = await createServer({
    address,
    transport: network.plug(),
    routes: (router) =>
      router.service(Test, {
        ...handlers,
        echoRPC: (request) => {
          arrived.push(request.value);
          return { value: request.value };
        },
      }),
  });
  const configuration = await connect({
    nodes: [address],
    transport: network.plug(),
    backoff: { minMs: 5, maxMs: 20 },
  });
  const client = createClient(Test, only(configuration));
  let answered = 0;
  for (let at = 0; at < 60; at++) {
    // Two at once, so that one can overtake the other.
    const both = [client.echoRPC({ value: String(at) }, { timeoutMs: 200 })];
    if (at % 2 === 0) both.push(client.echoRPC({ value: String(++at) }, { timeoutMs: 200 }));
    for (const call of both) answered += Number(await answers(call));
    if (!faults.healed && at % 20 === 1) network.cutSome();
  }
  faults.heal();
  // What was cut may still arrive, and the wait between two attempts to connect may be on.
  await pause(2_500);
  expect(await answers(client.echoRPC({ value: "healed" }, { timeoutMs: 1_000 }))).toBe(true);
  arrived.pop();
  await configuration.close();
  await server.close();
  return { arrived, answered };
}

function answers(call: Promise<unknown>): Promise<boolean> {
  return call.then(
    () => true,
    () => false,
  );
}
