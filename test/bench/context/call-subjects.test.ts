import { createClient } from "quorate";
import { contextSession, type PeerTracking } from "quorate/context";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { type CallLoad, callSubjects } from "../../../bench/context/call-subjects.js";
import { Echo } from "../../../bench/context/gen/bench/context/v1/echo_quorate.js";
import { anyScopeOpen } from "../../../internal/util/async-scope.js";
import { allStandAside } from "../../../src/configuration/client-interceptor.js";
import { checkLeaks } from "../../helpers/leaks.js";

checkLeaks();

const never = new AbortController().signal;

function openCluster() {
  return createLocalCluster(3, {
    routes: (router) => router.service(Echo, { one: (request) => request, quorum: (request) => request }),
  });
}

/** Where no session is open, trackPeers() stands aside. */
function kindOf([interceptor, ...others]: readonly PeerTracking[]): SubjectRow["interceptor"] {
  expect(others).toEqual([]);
  if (interceptor === undefined) return "none";
  return allStandAside([interceptor]) ? "trackPeers" : "empty";
}

interface SubjectRow {
  readonly name: string;
  readonly isOpen: boolean;
  readonly isInside: boolean;
  readonly interceptor: "none" | "trackPeers" | "empty";
}

const rows: readonly SubjectRow[] = [
  { name: "plain", isOpen: false, isInside: false, interceptor: "none" },
  { name: "idle", isOpen: false, isInside: false, interceptor: "trackPeers" },
  { name: "outside", isOpen: true, isInside: false, interceptor: "trackPeers" },
  { name: "inside", isOpen: true, isInside: true, interceptor: "trackPeers" },
  { name: "inside, empty", isOpen: true, isInside: true, interceptor: "empty" },
  { name: "inside, none", isOpen: true, isInside: true, interceptor: "none" },
];

describe("callSubjects", () => {
  it("are these, compared with plain calls", () => {
    const subjects = callSubjects({ client: () => async () => {}, nodes: 1, window: 1 });
    expect(subjects.map(({ name, to }) => ({ name, to }))).toEqual(
      rows.map(({ name }) => ({ name, to: name === "plain" ? undefined : "plain" })),
    );
  });

  it.each(rows)("$name: calls are made where it says", async ({ name, ...expected }) => {
    await using cluster = await openCluster();
    const configuration = await cluster.connect();
    const seen = new Set<string>();
    const client: CallLoad["client"] = (interceptors) => {
      const { quorum } = createClient(Echo, configuration, { interceptors });
      const interceptor = kindOf(interceptors);
      return () => {
        const isInside = contextSession.current() !== undefined;
        seen.add(JSON.stringify({ isOpen: anyScopeOpen(), isInside, interceptor }));
        return quorum({}).majority();
      };
    };
    const subject = callSubjects({ client, nodes: 3, window: 2 }).find((one) => one.name === name);
    expect(await subject?.measure(10, never)).toBeGreaterThan(0);
    expect([...seen]).toEqual([JSON.stringify(expected)]);
    expect(anyScopeOpen()).toBe(false);
  });

  it("fails if the session has not counted each call at each node", async () => {
    await using cluster = await openCluster();
    const configuration = await cluster.connect();
    const client: CallLoad["client"] = (interceptors) => {
      const { quorum } = createClient(Echo, configuration.take(2), { interceptors });
      return () => quorum({}).all();
    };
    const inside = callSubjects({ client, nodes: 3, window: 1 }).find(({ name }) => name === "inside");
    await expect(inside?.measure(5, never)).rejects.toThrow(/has counted \d+ outcomes of calls/);
  });
});
