import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code } from "quorate";
import { describe, expect, it } from "vitest";
import { checkLeaks } from "../helpers/leaks.js";
import { type LogChild, startScript } from "./commit-log/start-child.js";
import { RawSessionClient } from "./server/raw-session-client.js";
import { pay, receiptOf } from "./server/register-service.js";

checkLeaks();

/** A stream to the process, with the session that the client has. */
async function openAt(child: LogChild): Promise<RawSessionClient> {
  const [address = ""] = await child.lines(1);
  const client = await RawSessionClient.connect({ address });
  await client.open({ nonce: 1 });
  return client;
}

describe("a guarded request whose process is killed", () => {
  it("while its handler runs has an unknown outcome after the restart, and was run once", async () => {
    const directory = await mkdtemp(join(tmpdir(), "quorate-guarded-"));
    const file = join(directory, "payments");
    const script = new URL("guarded-child.ts", import.meta.url);
    const start = () => startScript(script, [join(directory, "log"), file]);
    try {
      await using first = start();
      await using client = await openAt(first);
      const paid = await client.request(1, pay("10"));
      expect(receiptOf(paid)).toBe("paid 10");
      const lost = client.request(2, pay("hang"));
      expect((await first.lines(3)).slice(1)).toEqual(["pays 10", "pays hang"]);
      await first.kill();
      expect((await lost).lost).toBe(true);

      await using second = start();
      await using again = await openAt(second);
      expect(again.session).toBe(client.session);
      const { error, op } = await again.request(2, pay("hang"));
      expect(error).toMatchObject({ code: Code.Aborted, reason: "OUTCOME_UNKNOWN" });
      expect(op).toBeGreaterThan(paid.op ?? 0);
      const replayed = await again.request(1, pay("10"));
      expect(replayed).toEqual(paid);
      expect(receiptOf(await again.request(3, pay("30")))).toBe("paid 30");
      expect(await readFile(file, "utf8")).toBe("10\nhang\n30\n");
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
