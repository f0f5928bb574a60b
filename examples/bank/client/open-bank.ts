import { byId, type Client, connect, createClient } from "quorate";
import {
  type Credentials,
  openSession,
  passwordCredentials,
  sessionClient,
  tokenCredentials,
  type UnmanagedTarget,
  unmanaged,
} from "quorate/sessions";
import type { ClientPlace, ClientReport, DemoLogin } from "../demo/commands.js";
import { Bank } from "../gen/bank/v1/bank_quorate.js";
import { askingAgain } from "./asking-again.js";
import { WatchedSession } from "./watched-session.js";

/** The bank, as one user calls it. */
export interface OpenBank {
  readonly bank: Client<typeof Bank, UnmanagedTarget>;
  /** The number of the session; 0 without one. */
  sessionNumber(): number;
  /** The server that has the session, empty without one; and to how many there is a connection. */
  place(): ClientPlace;
  /** Registrations of the session, those of them at another server, and requests that it wrote again. */
  counts(): Pick<ClientReport, "registrations" | "failOvers" | "retries">;
  /** Ends the session, and the connection. */
  close(): Promise<void>;
}

/**
 * Connects to all servers, the first ones preferred, and logs in: with a session, or without one, where every request is
 * made at least once.
 */
export async function openBank(
  addresses: readonly string[],
  login: DemoLogin,
  sessions: boolean,
): Promise<OpenBank> {
  const configuration = await connect({
    nodes: addresses,
    extensions: [sessionClient()],
    backoff: { minMs: 50, maxMs: 400 },
  });
  const credentials = credentialsOf(login);
  const connected = () => configuration.nodes.filter((node) => node.connected).length;
  if (!sessions) {
    return {
      bank: askingAgain(createClient(Bank, unmanaged(configuration, { credentials, prefer: byId }))),
      sessionNumber: () => 0,
      place: () => ({ address: "", connected: connected() }),
      counts: () => ({ registrations: 0, failOvers: 0, retries: 0 }),
      close: () => configuration.close(),
    };
  }
  const session = await openSession(configuration, { credentials, prefer: byId });
  const watched = new WatchedSession(session);
  return {
    bank: createClient(Bank, session),
    sessionNumber: () => watched.number,
    place: () => ({ address: watched.address, connected: connected() }),
    counts: () => ({
      registrations: watched.registrations,
      failOvers: watched.failOvers,
      retries: session.snapshot().resent,
    }),
    close: async () => {
      await session.close({ timeoutMs: 5_000 });
      await configuration.close();
    },
  };
}

function credentialsOf(login: DemoLogin): Credentials {
  return login.kind === "password"
    ? passwordCredentials(login.user, login.password)
    : tokenCredentials(login.token);
}
