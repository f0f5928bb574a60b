import { byId, byLatency, type NodeOrder } from "quorate";
import { byUsefulness, contextSession } from "quorate/context";
import { afterEach, describe, expect, it } from "vitest";
import { anyScopeOpen } from "../../internal/util/async-scope.js";
import { NodeSet } from "../../src/configuration/node-set.js";
import { OpenContextSession } from "../../src/context/open-context-session.js";
import { testNode } from "../configuration/test-nodes.js";
import { checkLeaks } from "../helpers/leaks.js";
import { turn } from "../helpers/turn.js";

checkLeaks();

afterEach(() => {
  if (anyScopeOpen()) throw new Error("the test left a session open");
});

// oxlint-disable-next-line typescript/unbound-method -- They need no object.
const { begin, fork, leave } = contextSession;

// By latency: 3, 2, 1; nothing is known of 4.
const nodes = [
  testNode(1, { latenciesMs: [50] }),
  testNode(2, { latenciesMs: [20] }),
  testNode(3, { latenciesMs: [5] }),
];
const configuration = new NodeSet([...nodes, testNode(4)]);
const byTime = [3, 2, 1, 4];

const idsBy = (...orders: readonly NodeOrder[]): readonly number[] => configuration.sortBy(...orders).ids;

/** Lets the running session learn that this node answers, and no other; it is the first from then on. */
function learn(useful: number): void {
  const session = OpenContextSession.current();
  if (session === undefined) throw new Error("there is no session to learn");
  for (const node of configuration.nodes) {
    session.tracker[node.id === useful ? "succeeded" : "failed"](node, 1_000, node.id);
  }
}

/** The order when only this node is of use: the others by how quickly they fail. */
const onlyUseful = (id: number): number[] => [id, ...[1, 2, 3, 4].filter((one) => one !== id)];

/** Made when the module was loaded, in no session. */
const ofModule = byUsefulness();

describe("byUsefulness", () => {
  it("is byLatency outside of any session", () => {
    for (const order of [ofModule, byUsefulness(), byLatency]) expect(idsBy(order)).toEqual(byTime);
  });

  it("is the order by latency in a session that knows nothing yet", () => {
    begin(() => expect(idsBy(byUsefulness())).toEqual(byTime));
  });

  it("goes by what the session has learned, as of when nodes are compared", () => {
    begin((session) => {
      const order = byUsefulness();
      learn(1);
      expect(idsBy(order)).toEqual(onlyUseful(1));
      expect(session.peers().map(({ node }) => node.id)).toEqual(onlyUseful(1));
      for (let at = 0; at < 5; at++) learn(4);
      expect(idsBy(order)).toEqual([4, 1, 2, 3]);
    });
  });

  it("that was made outside of any session goes by the one in which nodes are compared", async () => {
    const useful = (id: number) =>
      begin(async () => {
        learn(id);
        await turn();
        return idsBy(ofModule);
      });
    expect(await Promise.all([useful(1), useful(2)])).toEqual([onlyUseful(1), onlyUseful(2)]);
    expect(idsBy(ofModule)).toEqual(byTime);
  });

  it("that was made in a session goes by it as long as that is open, wherever nodes are compared", async () => {
    await begin(async () => {
      learn(1);
      const order = byUsefulness();
      expect(leave(() => idsBy(order))).toEqual(onlyUseful(1));
      fork(() => {
        for (let at = 0; at < 5; at++) learn(2);
        expect(idsBy(byUsefulness())[0]).toBe(2);
        expect(idsBy(order)).toEqual(onlyUseful(1));
      });
      await leave(() =>
        begin(async () => {
          learn(2);
          await turn();
          expect(idsBy(order)).toEqual(onlyUseful(1));
        }),
      );
    });
  });

  it("that was made in a session that has ended goes by the one in which nodes are compared, if there is one", () => {
    const order = begin(() => {
      learn(1);
      return byUsefulness();
    });
    expect(idsBy(order)).toEqual(byTime);
    begin(() => {
      learn(2);
      expect(idsBy(order)).toEqual(onlyUseful(2));
    });
    expect(idsBy(order)).toEqual(byTime);
  });

  it("can be one order among others", () => {
    begin(() => {
      learn(2);
      const even: NodeOrder = (a, b) => (a.id % 2) - (b.id % 2);
      expect(idsBy(even, byUsefulness())).toEqual([2, 4, 1, 3]);
      expect(idsBy(byId, byUsefulness())).toEqual([1, 2, 3, 4]);
    });
  });
});
