import {
  type ArrivingPeer,
  type Connection,
  createServer,
  type Identity,
  type QuorateEvent,
  type ServerOptions,
} from "quorate";
import { createMemoryTransport } from "quorate/testing";
import { encodeMessage } from "../../src/service/message-codec.js";
import { EchoRequestSchema } from "../gen/test/v1/test_pb.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { echoHandlers } from "../helpers/test-service.js";
import { features, RawPeer } from "./raw-peer.js";

/** A question to `identify` that waits for its answer. */
export interface Question {
  readonly peer: ArrivingPeer;
  readonly signal: AbortSignal;
  readonly answer: (identity: Identity) => void;
  readonly refuse: (error: unknown) => void;
}

/** The method that the server keeps record of. */
export const echo = "test.v1.Test.EchoRPC";
/** A request of it. */
export function payload(value: string): Uint8Array {
  return encodeMessage(EchoRequestSchema, { value });
}

/** Server 1 of three, whose peers are played by hand, and whose `identify` answers when the test does. */
export async function openIdentifying(
  transport: "memory" | "loopback",
  options: Partial<ServerOptions> = {},
) {
  const network = transport === "memory" ? createMemoryTransport() : undefined;
  const questions: Question[] = [];
  const ran: string[] = [];
  const connected: Connection[] = [];
  const changes: (readonly number[])[] = [];
  const events: QuorateEvent[] = [];
  const server = await createServer({
    address: "127.0.0.1:0",
    nodeId: 1,
    nodes: { 1: "127.0.0.1:1", 2: "127.0.0.1:2", 3: "127.0.0.1:3" },
    routes: (router) =>
      router.service(Test, {
        ...echoHandlers(1),
        echoRPC: ({ value }) => {
          ran.push(value);
          return { value };
        },
      }),
    identify: (peer, signal) =>
      new Promise((answer, refuse) => questions.push({ peer, signal, answer, refuse })),
    onConnect: (connection) => connected.push(connection),
    onPeersChange: ({ ids }) => changes.push(ids),
    onEvent: (event) => events.push(event),
    ...(network === undefined ? {} : { transport: network }),
    ...options,
  });
  const dial = (headers: Record<string, string> = {}) => RawPeer.dial(server.address, headers, network);
  const peer = (id: number, more: Record<string, string> = features) =>
    dial({ "gorums-node-id": String(id), ...more });
  /** The question number `at`, from 0 on, once it is asked. */
  const question = async (at = 0): Promise<Question> => {
    await eventually(() => questions.length > at, "the question");
    const found = questions[at];
    if (found === undefined) throw new Error("unreachable");
    return found;
  };
  const refused = () => events.flatMap((event) => (event.kind === "streamRefused" ? [event.error] : []));
  return {
    server,
    network,
    dial,
    peer,
    question,
    questions,
    ran,
    connected,
    changes,
    events,
    refused,
    [Symbol.asyncDispose]: () => server.close({ graceMs: 0 }),
  };
}
