import { type Configuration, createClient } from "quorate";
import { byUsefulness, contextKey, contextSession, trackPeers } from "quorate/context";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import type { Session } from "../../src/sessions/client/session.js";
import { Register } from "../gen/register/v1/register_quorate.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { checkLeaks } from "../helpers/leaks.js";
import { turn } from "../helpers/turn.js";
import { ScriptedServers } from "../sessions/client/scripted-servers.js";
import { countsOf } from "./peer-counts.js";

checkLeaks();

const tenantKey = contextKey<string>("tenant");
const storeKey = contextKey<Session>("store");

/** The upper layer: a page of three parts. It names no session. */
async function renderPage(parts: Configuration): Promise<string[]> {
  const rendered: string[] = [];
  for (const name of ["head", "body", "foot"]) rendered.push(await renderPart(parts, name));
  return rendered;
}

async function renderPart(parts: Configuration, name: string): Promise<string> {
  await turn();
  return `<${await fetchPart(parts, name)}>`;
}

/** The lowest layer: asks who was useful, two at a time, until somebody has it. */
async function fetchPart(parts: Configuration, name: string): Promise<string> {
  const tenant = contextSession.get(tenantKey) ?? "nobody";
  const [first, ...others] = parts.sortBy(byUsefulness()).nodes;
  for (const node of first === undefined ? [] : [first, ...others]) {
    const reply = await createClient(Test, node).echoRPC({ value: `${tenant}/${name}` });
    if (reply.value !== "") return reply.value;
  }
  return "missing";
}

/** Four nodes, each of which has what belongs to one tenant. */
async function openParts() {
  const requests: string[] = [];
  const cluster = await createLocalCluster(4, {
    routes: (router, node) =>
      router.service(Test, {
        echoRPC: ({ value }) => {
          requests.push(`${node} ${value}`);
          return { value: value.startsWith(`tenant-${node}/`) ? value : "" };
        },
        echoPlain: () => ({}),
        echoUnicast: () => {},
        echoMulticast: () => {},
        echoQC: () => ({}),
        echoCorrectable: () => [],
      }),
  });
  const isUseful = (reply: object) => "value" in reply && reply.value !== "";
  const parts = await cluster.connect({ clientInterceptors: [trackPeers({ isUseful })] });
  return { requests, parts, [Symbol.asyncDispose]: () => cluster.close() };
}

describe("a subsystem three calls deep", () => {
  it("learns and knows in the session of whoever called, without a parameter", async () => {
    await using one = await openParts();
    const page = await contextSession.begin(async (session) => {
      contextSession.set(tenantKey, "tenant-3");
      const rendered = await renderPage(one.parts);
      expect(session.peers()[0]?.node.id).toBe(3);
      expect(countsOf(session)[3]).toBe("3 ok, 0 failed, 0 open");
      return rendered;
    });
    expect(page).toEqual(["<tenant-3/head>", "<tenant-3/body>", "<tenant-3/foot>"]);
    // Whoever has the first part is asked for the others at once.
    expect(one.requests.filter((request) => request.endsWith("/head"))).toContain("3 tenant-3/head");
    expect(one.requests.slice(-2)).toEqual(["3 tenant-3/body", "3 tenant-3/foot"]);
  });

  it("does not mix up those who call at the same time", async () => {
    await using one = await openParts();
    const pages = await Promise.all(
      [1, 2, 3, 4].map((id) =>
        contextSession.begin(async (session) => {
          session.set(tenantKey, `tenant-${id}`);
          const rendered = await renderPage(one.parts);
          return [rendered[2], session.peers()[0]?.node.id];
        }),
      ),
    );
    expect(pages).toEqual([1, 2, 3, 4].map((id) => [`<tenant-${id}/foot>`, id]));
  });

  it("finds nothing outside of any", async () => {
    await using one = await openParts();
    expect(await renderPart(one.parts, "head")).toBe("<missing>");
  });

  it("calls with the client session that its caller has put there", async () => {
    await using servers = await ScriptedServers.start(1);
    const save = async () => {
      const store = contextSession.get(storeKey);
      if (store === undefined) throw new Error("nobody has opened a store");
      return (await createClient(Register, store).append({ key: "a" })).value;
    };
    const saveAll = async () => [await save(), await save()];
    await using store = await servers.open();
    const saved = await contextSession.begin(() => {
      contextSession.set(storeKey, store);
      return saveAll();
    });
    expect(saved).toEqual(["reply 1", "reply 2"]);
    await expect(save()).rejects.toThrow("nobody has opened a store");
  });
});
