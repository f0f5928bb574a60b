/** A guarded request whose handler has not ended, as far as the log knows. */
export interface OpenIntent {
  /** The op of its entry, which names it. */
  readonly op: number;
  readonly client: string;
  readonly request: number;
  /** The server that runs the handler. */
  readonly serverId: string;
  /** The log's age at its entry. */
  readonly ageMs: number;
  /** Whether another process of that server has started since. */
  readonly serverGone: boolean;
}

/** The open intents, in the order of their ops. */
export class OpenIntents implements Iterable<OpenIntent> {
  // A Map gives its entries in the order in which they came; ops only grow.
  readonly #byOp = new Map<number, OpenIntent>();
  readonly #opsOfClients = new Map<string, Set<number>>();

  get size(): number {
    return this.#byOp.size;
  }

  get(op: number): OpenIntent | undefined {
    return this.#byOp.get(op);
  }

  /** Its op is above all others. */
  add(intent: OpenIntent): void {
    this.#byOp.set(intent.op, intent);
    const ops = this.#opsOfClients.get(intent.client);
    if (ops === undefined) this.#opsOfClients.set(intent.client, new Set([intent.op]));
    else ops.add(intent.op);
  }

  close(intent: OpenIntent): void {
    this.#byOp.delete(intent.op);
    const ops = this.#opsOfClients.get(intent.client);
    ops?.delete(intent.op);
    if (ops?.size === 0) this.#opsOfClients.delete(intent.client);
  }

  /** Closes all of a client, whose session ends; returns them. */
  closeAllOf(client: string): OpenIntent[] {
    const closed = [...(this.#opsOfClients.get(client) ?? [])].flatMap((op) => this.#byOp.get(op) ?? []);
    for (const intent of closed) this.close(intent);
    return closed;
  }

  /** The process of this server that ran handlers is gone; returns the intents that it left open. */
  serverUp(serverId: string): OpenIntent[] {
    const left: OpenIntent[] = [];
    for (const intent of this.#byOp.values()) {
      if (intent.serverId !== serverId || intent.serverGone) continue;
      const orphan = { ...intent, serverGone: true };
      this.#byOp.set(intent.op, orphan);
      left.push(orphan);
    }
    return left;
  }

  [Symbol.iterator](): IterableIterator<OpenIntent> {
    return this.#byOp.values();
  }
}
