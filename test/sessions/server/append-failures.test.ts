import { describe, expect, it } from "vitest";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { refusedWith } from "./expected-answers.js";
import { newGate } from "./faulty-log.js";
import { append, pay, receiptOf, valueOf } from "./register-service.js";
import { SessionServer } from "./session-server.js";

checkLeaks();

const texts = ["a", "b", "c"];

describe("a request whose append fails", () => {
  it.each(["not-appended", "unknown"] as const)(
    "gets LOG_UNAVAILABLE, those behind it RETRY, and the gap heals when all come again (%s)",
    async (outcome) => {
      await using server = await SessionServer.start();
      const client = await server.open();
      // The entries behind it do get into the log, and are gaps there.
      const failure = newGate();
      server.control.failAppends(outcome, { times: 1, when: failure.promise });
      const apply = server.control.holdEntries();
      const refused = texts.map((text, at) => client.request(at + 1, append(text)));
      await eventually(() => server.sessions.snapshot().inFlight === 3);
      failure.open();
      expect(await Promise.all(refused)).toEqual([
        refusedWith("LOG_UNAVAILABLE"),
        refusedWith("RETRY"),
        refusedWith("RETRY"),
      ]);
      expect(server.sessions.snapshot().inFlight).toBe(0);
      apply();
      const again = texts.map((text, at) => client.request(at + 1, append(text)));
      expect((await Promise.all(again)).map(valueOf)).toEqual(["a", "ab", "abc"]);
      expect(server.register.runs).toEqual(texts);
    },
  );

  it("is applied once if its entry had got into the log all the same", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    server.control.failAppends("unknown", { times: 1, reaches: true });
    const apply = server.control.holdEntries();
    const first = client.request(1, append("a"));
    expect(await first).toEqual(refusedWith("LOG_UNAVAILABLE"));
    const again = texts.map((text, at) => client.request(at + 1, append(text)));
    await eventually(() => server.sessions.snapshot().inFlight === 3);
    apply();
    expect((await Promise.all(again)).map(valueOf)).toEqual(["a", "ab", "abc"]);
    expect(server.register.runs).toEqual(texts);
  });

  it("leaves a gap that is a transient refusal for what comes before it is sent again", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    server.control.failAppends("not-appended", { times: 1 });
    expect(await client.request(1, append("a"))).toEqual(refusedWith("LOG_UNAVAILABLE"));
    expect(await client.request(2, append("b"))).toEqual(refusedWith("REQUEST_GAP"));
    expect(valueOf(await client.request(1, append("a")))).toBe("a");
    expect(valueOf(await client.request(2, append("b")))).toBe("ab");
  });

  it("takes those with it that joined, and leaves those of other sessions alone", async () => {
    await using server = await SessionServer.start();
    const [one, two] = [await server.open(1), await server.open(2)];
    const failure = newGate();
    server.control.failAppends("unknown", { times: 1, when: failure.promise });
    const refused = [one.request(1, append("a")), one.request(1, append("a"))];
    await eventually(() => server.sessions.snapshot().counters.joined === 1);
    const own = two.request(1, append("b"));
    await eventually(() => server.sessions.snapshot().counters.accepted === 2);
    failure.open();
    expect(await Promise.all(refused)).toEqual([
      refusedWith("LOG_UNAVAILABLE"),
      refusedWith("LOG_UNAVAILABLE"),
    ]);
    expect(valueOf(await own)).toBe("b");
    expect(valueOf(await one.request(1, append("a")))).toBe("ba");
  });

  it("may be answered before: what stands in the log counts, not what its append says", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const gone = server.control.delayAcknowledgements();
    expect(valueOf(await client.request(1, append("a")))).toBe("a");
    expect(valueOf(await client.request(2, append("b")))).toBe("ab");
    gone();
  });

  it("runs no guarded handler, and runs it once when it comes again", async () => {
    const paid: string[] = [];
    const pays = ({ text }: { readonly text: string }) => {
      paid.push(text);
      return { text: `paid ${text}` };
    };
    await using server = await SessionServer.start({ pay: pays });
    const client = await server.open();
    const failure = newGate();
    server.control.failAppends("not-appended", { times: 1, when: failure.promise });
    const apply = server.control.holdEntries();
    const refused = [client.request(1, pay("a")), client.request(2, pay("b"))];
    await eventually(() => server.sessions.snapshot().inFlight === 2);
    failure.open();
    expect(await Promise.all(refused)).toEqual([refusedWith("LOG_UNAVAILABLE"), refusedWith("RETRY")]);
    apply();
    expect(paid).toEqual([]);
    const again = [client.request(1, pay("a")), client.request(2, pay("b"))];
    expect((await Promise.all(again)).map(receiptOf)).toEqual(["paid a", "paid b"]);
    expect(paid).toEqual(["a", "b"]);
  });

  it("is refused as often as the log fails, with the reason in the answer and nothing kept", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const repair = server.control.failAppends("not-appended");
    for (let at = 0; at < 3; at++) {
      expect(await client.request(1, append("a"))).toEqual(refusedWith("LOG_UNAVAILABLE"));
    }
    expect(await client.keepAlive()).toEqual(refusedWith("LOG_UNAVAILABLE"));
    expect(await client.register({ nonce: 2, previous: client.session })).toEqual(
      refusedWith("LOG_UNAVAILABLE"),
    );
    repair();
    expect(valueOf(await client.request(1, append("a")))).toBe("a");
    expect(server.register.runs).toEqual(["a"]);
  });
});
