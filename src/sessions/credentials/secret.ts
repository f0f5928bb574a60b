import { inspect } from "node:util";

/** A text that does not show when it is printed, inspected, put into a message or turned into JSON. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The text itself: for what checks it or sends it, and never for a message. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return hidden;
  }

  toJSON(): string {
    return hidden;
  }

  static {
    // Not as a member: a computed name has no place in a declaration file.
    Object.defineProperty(Secret.prototype, inspect.custom, { value: () => hidden });
  }
}

const hidden = "[secret]";
