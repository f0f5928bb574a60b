import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, createServer, QuorateError } from "quorate";
import { type CommitLog, createMemoryLog, createSessions, openFileLog } from "quorate/sessions";
import { describe, expect, it } from "vitest";
import { EchoClient } from "../../../bench/sessions/echo-client.js";
import { CountedEcho, PlainEcho } from "../../../bench/sessions/gen/bench/sessions/v1/echo_quorate.js";
import { loggedBytes } from "../../../bench/sessions/logged-bytes.js";
import { RequestCounter } from "../../../bench/sessions/request-counter.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";

checkLeaks();

/** A server as `serve-echo` makes one, in this process. */
async function startServer(log: CommitLog) {
  const counter = new RequestCounter();
  const seen = { plain: 0, fails: false };
  const gone = new AbortController();
  const sessions = createSessions({ log }).replicate(
    CountedEcho,
    {
      echo: (message, context) => {
        if (seen.fails) throw new QuorateError(Code.Internal, "the counter has failed");
        return counter.handlers.echo(message, context);
      },
    },
    counter.options,
  );
  const server = await createServer({
    address: "127.0.0.1:0",
    extensions: [sessions],
    routes: (router) =>
      router.service(PlainEcho, {
        echo: ({ payload }) => {
          seen.plain += 1;
          return { payload };
        },
      }),
  });
  return {
    address: server.address,
    counter,
    sessions,
    seen,
    gone: gone.signal,
    end: async () => {
      await server.close();
      gone.abort(new Error("the server has ended"));
    },
    statistics: async () => ({ cpuMicros: 0, counted: counter.count }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

describe("EchoClient", () => {
  it("makes plain calls, past the sessions", async () => {
    await using server = await startServer(createMemoryLog());
    await using client = await EchoClient.connect(server, 2);
    const plain = client.plain("plain", { sessions: 2, window: 4 });
    const { perSecond, cpu } = await plain.measure(20);
    expect(plain.name).toBe("plain");
    expect(perSecond).toBeGreaterThan(0);
    expect(cpu?.clientMicros).toBeGreaterThan(0);
    expect(server.seen.plain).toBeGreaterThanOrEqual(8);
    expect(server.counter.count).toBe(0);
    expect(server.sessions.snapshot().sessions).toBe(0);
  });

  it("makes calls of sessions, each of which is applied once, and unregisters them", async () => {
    await using server = await startServer(createMemoryLog());
    {
      await using client = await EchoClient.connect(server, 2);
      const sessioned = await client.sessioned("sessioned", { sessions: 3, window: 4 });
      const { perSecond } = await sessioned.measure(20);
      expect(perSecond).toBeGreaterThan(0);
      expect(server.sessions.snapshot()).toMatchObject({ sessions: 3, boundClients: 3 });
      expect(server.counter.count).toBeGreaterThanOrEqual(12);
      expect(server.sessions.snapshot().counters).toMatchObject({ accepted: server.counter.count });
      expect(server.seen.plain).toBe(0);
      await client.checkCount();
    }
    expect(server.sessions.snapshot().sessions).toBe(0);
  });

  it("finds out if a request was not applied once", async () => {
    await using server = await startServer(createMemoryLog());
    await using client = await EchoClient.connect(server, 1);
    const sessioned = await client.sessioned("sessioned", { sessions: 1, window: 1 });
    await sessioned.measure(1);
    server.counter.options.restore(new Uint8Array(8), 0);
    await expect(client.checkCount()).rejects.toThrow(/has applied 0 requests, and \d+ were answered/);
  });

  it("does not wait for a server that is gone", async () => {
    await using server = await startServer(createMemoryLog());
    await using client = await EchoClient.connect(server, 1);
    const sessioned = await client.sessioned("sessioned", { sessions: 2, window: 2 });
    const measuring = sessioned.measure(600_000);
    measuring.catch(() => {});
    await eventually(() => server.counter.count > 0);
    await server.end();
    await expect(measuring).rejects.toThrow("the server has ended");
    await expect(sessioned.measure(600_000)).rejects.toThrow("the server has ended");
  });

  it("rejects with the error of a call that fails", async () => {
    await using server = await startServer(createMemoryLog());
    await using client = await EchoClient.connect(server, 1);
    const sessioned = await client.sessioned("sessioned", { sessions: 1, window: 2 });
    server.seen.fails = true;
    await expect(sessioned.measure(600_000)).rejects.toThrow("the counter has failed");
  });
});

describe("loggedBytes", () => {
  it("is what a request takes in the file of a log", async () => {
    const directory = await mkdtemp(join(tmpdir(), "quorate-logged-bytes-"));
    try {
      await using server = await startServer(await openFileLog({ directory }));
      await using client = await EchoClient.connect(server, 1);
      const sessioned = await client.sessioned("sessioned", { sessions: 1, window: 1 });
      const before = await segmentBytes(directory);
      await sessioned.measure(1);
      const requests = server.counter.count;
      const each = ((await segmentBytes(directory)) - before) / requests;
      // The numbers of a log that has just begun are some bytes shorter.
      expect(each).toBeGreaterThan(loggedBytes() - 12);
      expect(each).toBeLessThanOrEqual(loggedBytes());
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

async function segmentBytes(directory: string): Promise<number> {
  const names = (await readdir(directory)).filter((name) => name.startsWith("segment-"));
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(directory, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
