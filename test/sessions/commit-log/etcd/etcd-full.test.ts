import { describe, expect, it } from "vitest";
import { openEtcdLog } from "../../../../src/sessions/commit-log/etcd/index.js";
import { AppendError } from "../../../../src/sessions/commit-log/log-errors.js";
import { checkLeaks } from "../../../helpers/leaks.js";
import { useEtcd } from "../../../helpers/use-etcd.js";
import { begun, bytes, readTexts } from "../log-helpers.js";

checkLeaks();

describe("an etcd that has no space left", () => {
  const running = useEtcd({ flags: ["--quota-backend-bytes", "6000000"] });

  it("has what it said to have taken, and nothing of what it refused", async () => {
    const { endpoints } = running();
    const logs = await Promise.all(
      Array.from({ length: 12 }, () =>
        begun(openEtcdLog({ endpoints, prefix: "full/", tryTimeoutMs: 15_000 })),
      ),
    );
    const appended: string[] = [];
    const refused: AppendError[] = [];
    const large = "x".repeat(200_000);
    const write = async (at: number) => {
      // How much it takes until etcd looks at its size again is its own affair.
      for (let round = 0; round < 50 && refused.length < 20; round++) {
        const name = `${at}-${round} `;
        try {
          await logs[at]?.append(bytes(name + large));
          appended.push(name);
        } catch (error) {
          if (!(error instanceof AppendError)) throw error;
          refused.push(error);
        }
      }
    };
    await Promise.all(logs.map((_, at) => write(at)));
    expect(refused.length).toBeGreaterThan(0);
    expect(new Set(refused.map(({ outcome, reason }) => `${outcome} ${reason}`))).toEqual(
      new Set(["not-appended LOG_UNAVAILABLE"]),
    );
    const [first] = logs;
    const found = (first && (await readTexts(first))) ?? [];
    expect(found.map((entry) => entry.slice(0, entry.indexOf(" ") + 1)).toSorted()).toEqual(
      appended.toSorted(),
    );
    await Promise.all(logs.map((log) => log.close()));
  });
});
