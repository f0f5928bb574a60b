/** What the demo can have the server do. */
export type BankServerCommands = {
  /** Where it listens. */
  readonly address: () => Promise<string>;
  /** Whether a transfer of this name was applied. */
  readonly hasTransfer: (transferId: string) => Promise<boolean>;
  readonly status: () => Promise<ServerStatus>;
  /** What the bank is now. */
  readonly state: () => Promise<ServerState>;
};

/** The bank of one server, after the entry at `op`. */
export interface ServerState {
  readonly op: number;
  /** SHA-256 of all its accounts and transfers, as they stand in a snapshot; in hex digits. */
  readonly digest: string;
  /** Sessions that are open. */
  readonly sessions: number;
}

/** What one server process has counted since it started. */
export interface ServerStatus {
  /** Requests that it knew: still under way. */
  readonly joined: number;
  /** Requests that it knew: answered with the kept reply. */
  readonly replayed: number;
  /** Of its process. */
  readonly pid: number;
  /** The position up to which it has applied the log. */
  readonly appliedOp: number;
  /** Snapshots that it has stored. */
  readonly snapshots: number;
  /** It began with a snapshot. */
  readonly restored: boolean;
  /** Times that it went on with a snapshot, as entries that it had not applied yet were forgotten. */
  readonly reloads: number;
  /** Sessions that are open. */
  readonly sessions: number;
}

/** How a client of the demo logs in. */
export type DemoLogin =
  | { readonly kind: "password"; readonly user: string; readonly password: string }
  | { readonly kind: "token"; readonly user: string; readonly token: string };

/** What the demo can have a client do. */
export type BankClientCommands = {
  /** Logs in at one of the servers, the first ones preferred, and opens a session if there are to be any. */
  readonly open: (input: {
    readonly addresses: readonly string[];
    readonly login: DemoLogin;
    readonly sessions: boolean;
  }) => Promise<void>;
  /** Opens the accounts of its user, with so much in each. */
  readonly openAccounts: (input: { readonly deposit: number }) => Promise<void>;
  /** Begins to transfer, so many at a time, between its own accounts and those of all these users. */
  readonly start: (input: {
    readonly users: readonly string[];
    readonly window: number;
    readonly total: number;
    readonly seed: number;
  }) => Promise<void>;
  /** How far it is; fails if something is wrong already. */
  readonly progress: () => Promise<number>;
  /** Where it is. */
  readonly place: () => Promise<ClientPlace>;
  /** The longest time without an answer since this was asked last, in milliseconds. */
  readonly takePause: () => Promise<number>;
  /** Makes one more transfer now; returns its name, and does not wait for the answer. */
  readonly transferOnce: () => Promise<string>;
  /** Begins no more transfers, waits until all are answered, and says how many there were. */
  readonly stop: () => Promise<number>;
  /** Compares with the ledger; fails if anything differs. */
  readonly compare: () => Promise<ClientReport>;
  /** Closes the session, and the connection. */
  readonly close: () => Promise<void>;
};

/** Where a client is. */
export interface ClientPlace {
  /** The server that its session is bound at; empty without a session. */
  readonly address: string;
  /** Servers that it has a connection to. */
  readonly connected: number;
}

/** What a client has seen. */
export interface ClientReport {
  readonly transfers: number;
  readonly refused: number;
  readonly audits: number;
  readonly registrations: number;
  /** Registrations at another server than the one before. */
  readonly failOvers: number;
  readonly retries: number;
  readonly replays: number;
  /** Entries of the whole ledger. */
  readonly ledger: number;
}
