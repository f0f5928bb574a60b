/** The highest position that this handle knows to exist: it has read it, put it, or was told of it. */
export class KnownPosition {
  op = 0;

  /** There is an entry, or was one, at this position. */
  saw(op: number): void {
    if (op > this.op) this.op = op;
  }
}
