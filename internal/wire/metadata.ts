import { invalidArgument } from "../errors/quorate-error.js";

/** One key and one value, as the envelope carries them (F-02, F-19). */
export interface MetadataEntry {
  readonly key: string;
  readonly value: string;
}

/** What {@link Metadata.from} takes: metadata, an object, or pairs of key and value. */
export type MetadataInit =
  | Metadata
  | { readonly [key: string]: string | readonly string[] }
  | Iterable<readonly [string, string]>;

/**
 * Immutable metadata of a stream or a call: keys in lower case, each with one or more text values, in order.
 *
 * Values are any well-formed text: they travel in the envelope, not as HTTP/2 headers (J-16).
 */
export class Metadata implements Iterable<[string, string]> {
  readonly #entries: readonly MetadataEntry[];

  private constructor(entries: readonly MetadataEntry[]) {
    this.#entries = entries;
  }

  /** Metadata without any entry. */
  static readonly empty: Metadata = new Metadata([]);

  /** Metadata from an object, from pairs, or from metadata. Throws InvalidArgument that names a bad key or value. */
  static from(init: MetadataInit | undefined): Metadata {
    if (init === undefined) return Metadata.empty;
    if (init instanceof Metadata) return init;
    const entries: MetadataEntry[] = [];
    const pairs = isIterable(init) ? init : Object.entries(init);
    for (const [key, value] of pairs) {
      for (const single of Array.isArray(value) ? value : [value]) entries.push(entryOf(key, single));
    }
    return entries.length === 0 ? Metadata.empty : new Metadata(entries);
  }

  /** Metadata of a message that was read; keys are folded to lower case. */
  static fromEntries(entries: readonly MetadataEntry[]): Metadata {
    if (entries.length === 0) return Metadata.empty;
    return new Metadata(entries.map(({ key, value }) => ({ key: key.toLowerCase(), value })));
  }

  /** How many entries there are. */
  get size(): number {
    return this.#entries.length;
  }

  /** The first value of the key, or undefined. */
  get(key: string): string | undefined {
    const folded = key.toLowerCase();
    return this.#entries.find((entry) => entry.key === folded)?.value;
  }

  /** All values of the key, in order. */
  getAll(key: string): string[] {
    const folded = key.toLowerCase();
    return this.#entries.filter((entry) => entry.key === folded).map((entry) => entry.value);
  }

  /** Whether there is a value of the key. */
  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** New metadata: these entries, then those of `other`. A key in both keeps both values. */
  join(other: MetadataInit | undefined): Metadata {
    const more = Metadata.from(other);
    if (more.size === 0) return this;
    return this.size === 0 ? more : new Metadata([...this.#entries, ...more.#entries]);
  }

  /** The entries as the envelope carries them. */
  entries(): readonly MetadataEntry[] {
    return this.#entries;
  }

  *[Symbol.iterator](): Iterator<[string, string]> {
    for (const { key, value } of this.#entries) yield [key, value];
  }
}

const loneSurrogate = /\p{Surrogate}/u;

function entryOf(key: unknown, value: unknown): MetadataEntry {
  if (typeof key !== "string" || key === "" || loneSurrogate.test(key)) {
    throw invalidArgument(`metadata key ${JSON.stringify(key)} is not a non-empty, well-formed string`);
  }
  if (typeof value !== "string" || loneSurrogate.test(value)) {
    throw invalidArgument(
      `the metadata value of "${key}" is not a well-formed string; encode bytes as base64`,
    );
  }
  return { key: key.toLowerCase(), value };
}

function isIterable(
  init: Exclude<MetadataInit, Metadata | undefined>,
): init is Iterable<readonly [string, string]> {
  return Symbol.iterator in init;
}
