import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import type { ClientCommands } from "../../examples/storage/demo/commands.js";
import { until } from "../../examples/storage/demo/steps.js";
import type * as WorkerModule from "../../examples/storage/demo/worker.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";

checkLeaks();

// It starts the compiled programs that lie beside it.
const compiled = new URL("../../dist/examples/storage/demo/worker.js", import.meta.url).href;
const { startWorker } = (await import(compiled)) as typeof WorkerModule;

interface StartedClient extends AsyncDisposable {
  readonly worker: WorkerModule.Worker<ClientCommands>;
  /** Makes its calls fail. */
  refuse(): Promise<void>;
}

/** A client process of the demo whose calls stay open: what it dials takes connections and says nothing. */
async function startClient(): Promise<StartedClient> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on("error", () => {}).resume()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const worker = startWorker<ClientCommands>("client A", "client", [`127.0.0.1:${port}`]);
  const refuse = async () => {
    if (!server.listening) return;
    server.close();
    for (const socket of sockets) socket.destroy();
    await once(server, "close");
  };
  return {
    worker,
    refuse,
    [Symbol.asyncDispose]: async () => {
      await worker.kill();
      await refuse();
    },
  };
}

describe("a worker of the demo", () => {
  it("answers commands", async () => {
    await using client = await startClient();
    await expect(client.worker.run("written")).resolves.toBe(0);
    await expect(client.worker.run("announcedBy", { key: "k", value: "v" })).resolves.toEqual([]);
  });

  it("rejects with the error of a command that fails, and lives on", async () => {
    await using client = await startClient();
    await expect(client.worker.run("readAt", { server: 99, key: "k" })).rejects.toThrow(
      /^client A: QuorateError .*99/,
    );
    await expect(client.worker.run("written")).resolves.toBe(0);
  });

  it("refuses a command that it does not have", async () => {
    await using client = await startClient();
    const odd = "dance" as "written";
    await expect(client.worker.run(odd)).rejects.toThrow("client A: Error: there is no command dance");
  });

  it("rejects the commands under way when it dies, and those that come later", async () => {
    await using client = await startClient();
    await client.worker.run("written");
    const write = client.worker.run("write", [{ key: "k", value: "v" }]);
    const read = client.worker.run("readAt", { server: 1, key: "k" });
    const killed = client.worker.kill();
    await expect(write).rejects.toThrow("client A ended: SIGKILL");
    await expect(read).rejects.toThrow("client A ended: SIGKILL");
    await killed;
    await expect(client.worker.run("written")).rejects.toThrow("client A is not running");
  });

  it("settles whatever it is asked while it stops, which it does with exit code 0", async () => {
    await using client = await startClient();
    await client.worker.run("written");
    const answers: Promise<unknown>[] = [];
    const end = { code: -1 as number | null };
    const stopped = client.worker.stop().then((code) => {
      end.code = code;
    });
    await eventually(
      () => {
        answers.push(client.worker.run("written").catch(String));
        return end.code !== -1;
      },
      "its end",
      15_000,
    );
    await stopped;
    expect(end.code).toBe(0);
    const kinds = new Set(await Promise.all(answers));
    kinds.delete(0);
    for (const error of kinds) {
      expect(error).toMatch(
        /^Error: client A (ended: exit code 0|cannot be told anything: .+|is not running)$/,
      );
    }
    expect(kinds.size).toBeGreaterThan(0);
  });

  it("tells of a failure of the writing that goes on", async () => {
    await using client = await startClient();
    await client.refuse();
    await client.worker.run("startWriting", "k");
    const failed = /^client A: QuorumCallError .* 0 of 1 replies/;
    await expect(
      until(
        () => client.worker.run("written"),
        () => false,
      ),
    ).rejects.toThrow(failed);
    await expect(client.worker.run("stopWriting")).rejects.toThrow(failed);
  });
});
