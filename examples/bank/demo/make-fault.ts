import { until } from "../../storage/demo/steps.js";
import type { Worker } from "../../storage/demo/worker.js";
import type { BankServer } from "./bank-server.js";
import type { BankClientCommands } from "./commands.js";
import type { Fault } from "./fault-plan.js";
import type { FaultProxy } from "./fault-proxy.js";

/** A client process, and a proxy that it goes through. */
export interface BankClient {
  readonly worker: Pick<Worker<BankClientCommands>, "name" | "run">;
  readonly proxy: Pick<FaultProxy, "lose" | "cut" | "cutAfter" | "lostBytes">;
}

/** Makes one fault, and returns what happened, in words. Resolves before all has recovered from it. */
export async function makeFault(
  fault: Fault,
  clients: readonly BankClient[],
  server: Pick<BankServer, "hasTransfer" | "kill" | "start">,
): Promise<string> {
  if (fault.kind === "kill") {
    await server.kill(fault.afterMs);
    return `the server got SIGKILL; the next one listens on ${await server.start()}`;
  }
  const client = clients[fault.client];
  if (client === undefined) throw new Error(`there is no client ${fault.client}`);
  const { worker, proxy } = client;
  switch (fault.kind) {
    case "cut":
      await proxy.cutAfter(fault.direction, fault.bytes);
      return `${worker.name} was cut off after ${fault.bytes} bytes of ${fault.direction}`;
    case "loseRequests":
      await untilAnswered(client);
      proxy.lose("requests");
      await worker.run("transferOnce");
      await until(
        async () => proxy.lostBytes,
        (bytes) => bytes > housekeepingBytes,
      );
      return `${worker.name} lost ${proxy.lostBytes} bytes of requests, and ${proxy.cut()} connection`;
    case "loseAnswers": {
      const transferId = await applyUnanswered(client, server);
      return `${worker.name} lost the answer to ${transferId}, which was applied, and ${proxy.cut()} connection`;
    }
    default: {
      const transferId = await applyUnanswered(client, server);
      await server.kill();
      proxy.cut();
      const address = await server.start();
      return `the server got SIGKILL after it had applied ${transferId} and before ${worker.name} knew; the next one listens on ${address}`;
    }
  }
}

/** Leaves the client with a transfer that was applied, and whose answer is lost. Returns its name. */
export async function applyUnanswered(
  client: BankClient,
  server: Pick<BankServer, "hasTransfer">,
): Promise<string> {
  await untilAnswered(client);
  client.proxy.lose("answers");
  // Asked for only now: an answer to an earlier one may be on its way behind the proxy.
  const transferId = await client.worker.run("transferOnce");
  await until(() => server.hasTransfer(transferId), Boolean);
  return transferId;
}

/** Waits for the next answer: one that loses its answers while it registers would never come to write a request. */
export async function untilAnswered({ worker }: Pick<BankClient, "worker">): Promise<void> {
  const before = await worker.run("progress");
  await until(
    () => worker.run("progress"),
    (answered) => answered > before,
  );
}

/** More than HTTP/2 says between requests (window updates, acknowledged pings), and less than a request. */
const housekeepingBytes = 150;
