/** Where an item stands in a {@link UseOrder}. */
export interface Place<Item> {
  readonly item: Item;
  older: Place<Item> | undefined;
  newer: Place<Item> | undefined;
}

/** Items in the order of their last use. All but walking through them takes constant time, however many there are. */
export class UseOrder<Item> implements Iterable<Item> {
  #oldest: Place<Item> | undefined;
  #newest: Place<Item> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The item that was used least recently. */
  get oldest(): Item | undefined {
    return this.#oldest?.item;
  }

  /** Puts a new item behind all others. */
  add(item: Item): Place<Item> {
    const place: Place<Item> = { item, older: undefined, newer: undefined };
    this.#append(place);
    return place;
  }

  /** Moves an item behind all others. */
  use(place: Place<Item>): void {
    if (place === this.#newest) return;
    this.remove(place);
    this.#append(place);
  }

  /** Takes an item out. Its place must be in this order. */
  remove(place: Place<Item>): void {
    const { older, newer } = place;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    place.older = undefined;
    place.newer = undefined;
    this.#size -= 1;
  }

  /** From the one used least recently on. An item may be taken out while it is the one given. */
  *[Symbol.iterator](): Generator<Item, void> {
    for (let place = this.#oldest; place !== undefined; ) {
      const next: Place<Item> | undefined = place.newer;
      yield place.item;
      place = next;
    }
  }

  #append(place: Place<Item>): void {
    place.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = place;
    else this.#newest.newer = place;
    this.#newest = place;
    this.#size += 1;
  }
}
