/** A request whose entry is on its way through the log, proposed by this server. */
export interface Flight<Value> {
  readonly client: string;
  /** The session number under which it was accepted. */
  readonly session: number;
  readonly request: number;
  readonly digest: string;
  /** What the owner keeps with it: who waits for the answer. */
  readonly value: Value;
}

/** What a check asks of the requests in flight. */
export interface FlightsView<Value> {
  /** The request with this number, if it is in flight under this session number. */
  find(client: string, session: number, request: number): Flight<Value> | undefined;
  /** The highest number in flight under this session number, 0 for none. */
  highest(client: string, session: number): number;
}

/**
 * The requests in flight at one server. A client has them under one session number at most: `fence` takes out the older
 * ones before the first of a newer number is added.
 *
 * What is taken out is returned, for its waiters must be answered. The bound is that of the requests that streams take in.
 */
export class InFlight<Value> implements FlightsView<Value> {
  readonly #byClient = new Map<string, Map<number, Flight<Value>>>();
  #size = 0;

  /** How many requests are in flight. */
  get size(): number {
    return this.#size;
  }

  find(client: string, session: number, request: number): Flight<Value> | undefined {
    const flight = this.#byClient.get(client)?.get(request);
    return flight?.session === session ? flight : undefined;
  }

  highest(client: string, session: number): number {
    let highest = 0;
    for (const flight of this.#byClient.get(client)?.values() ?? []) {
      if (flight.session === session && flight.request > highest) highest = flight.request;
    }
    return highest;
  }

  /** Adds a request that was accepted. */
  add(flight: Flight<Value>): void {
    let flights = this.#byClient.get(flight.client);
    if (flights === undefined) {
      flights = new Map();
      this.#byClient.set(flight.client, flights);
    }
    if (!flights.has(flight.request)) this.#size += 1;
    flights.set(flight.request, flight);
  }

  /** Takes out the request: its entry was applied, or came to nothing. */
  take(client: string, session: number, request: number): Flight<Value> | undefined {
    const flight = this.find(client, session, request);
    if (flight !== undefined) this.#remove(flight);
    return flight;
  }

  /** Takes out the request and all above it: its append failed, and behind the gap none of them can be applied. */
  takeFrom(client: string, session: number, request: number): Flight<Value>[] {
    return this.#takeWhere(client, (flight) => flight.session === session && flight.request >= request);
  }

  /** Takes out what is in flight under older numbers: a Register took effect, and `session` is the number now. */
  fence(client: string, session: number): Flight<Value>[] {
    return this.#takeWhere(client, (flight) => flight.session < session);
  }

  #takeWhere(client: string, matches: (flight: Flight<Value>) => boolean): Flight<Value>[] {
    const taken = [...(this.#byClient.get(client)?.values() ?? [])].filter(matches);
    for (const flight of taken) this.#remove(flight);
    return taken;
  }

  #remove({ client, request }: Flight<Value>): void {
    const flights = this.#byClient.get(client);
    if (flights?.delete(request) !== true) return;
    this.#size -= 1;
    if (flights.size === 0) this.#byClient.delete(client);
  }
}
