import { setTimeout } from "node:timers/promises";
import { isMessage } from "@bufbuild/protobuf";
import { createServer, type Server, type ServerInterceptor } from "quorate";
import { BlockSchema } from "../gen/gateway/v1/gateway_pb.js";
import { peerRoutes } from "../service/peer-routes.js";
import type { PlannedPeer } from "./plan-load.js";

/** Peers that run: a server each, all of them in this process, which is as far from them as any other. */
export interface RunningPeers extends AsyncDisposable {
  /** In the order of the plan. */
  readonly addresses: readonly string[];
  /** Ends the peers of the kind `dies`, at once. */
  kill(): Promise<void>;
}

/** Starts the peers of a plan on ports of 127.0.0.1 that the system chooses. */
export async function startPeers(planned: readonly PlannedPeer[]): Promise<RunningPeers> {
  const servers: Server[] = [];
  const close = async () => {
    await Promise.all(servers.map((server) => server.close({ graceMs: 0 })));
  };
  try {
    for (const peer of planned) servers.push(await startPeer(peer));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    addresses: servers.map(({ address }) => address),
    kill: async () => {
      const dying = servers.filter((_, at) => planned[at]?.kind === "dies");
      await Promise.all(dying.map((server) => server.close({ graceMs: 0 })));
    },
    [Symbol.asyncDispose]: close,
  };
}

function startPeer(peer: PlannedPeer): Promise<Server> {
  const { delayMs, kind } = peer;
  const behave: ServerInterceptor = async (call, next) => {
    // The time is that of the way, on which requests do not wait for each other.
    call.context.release();
    await setTimeout(delayMs, undefined, { signal: call.context.signal });
    const reply = await next(call);
    if (kind !== "lies" || !isMessage(reply, BlockSchema)) return reply;
    return { ...reply, data: reply.data.map((byte) => byte ^ 1) };
  };
  return createServer({ address: "127.0.0.1:0", routes: peerRoutes(peer), serverInterceptors: [behave] });
}
