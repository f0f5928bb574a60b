import { type Client, connect, createClient } from "quorate";
import {
  type Credentials,
  openSession,
  passwordCredentials,
  sessionClient,
  tokenCredentials,
  type UnmanagedTarget,
  unmanaged,
} from "quorate/sessions";
import type { DemoLogin } from "../demo/commands.js";
import { Bank } from "../gen/bank/v1/bank_quorate.js";
import { WatchedSession } from "./watched-session.js";

/** The bank, as one user calls it. */
export interface OpenBank {
  readonly bank: Client<typeof Bank, UnmanagedTarget>;
  /** The number of the session; 0 without one. */
  sessionNumber(): number;
  /** Registrations of the session, and requests that it wrote again. */
  counts(): { readonly registrations: number; readonly retries: number };
  /** Ends the session, and the connection. */
  close(): Promise<void>;
}

/** Connects, and logs in: with a session, or without one, where every request is made at least once. */
export async function openBank(address: string, login: DemoLogin, sessions: boolean): Promise<OpenBank> {
  const configuration = await connect({
    nodes: [address],
    extensions: [sessionClient()],
    backoff: { minMs: 50, maxMs: 400 },
  });
  const credentials = credentialsOf(login);
  if (!sessions) {
    return {
      bank: createClient(Bank, unmanaged(configuration, { credentials })),
      sessionNumber: () => 0,
      counts: () => ({ registrations: 0, retries: 0 }),
      close: () => configuration.close(),
    };
  }
  const session = await openSession(configuration, { credentials });
  const watched = new WatchedSession(session);
  return {
    bank: createClient(Bank, session),
    sessionNumber: () => watched.number,
    counts: () => ({ registrations: watched.registrations, retries: session.snapshot().resent }),
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
