/** Writes a whole number from 0 to 2^53 - 1 as eight bytes, lowest first. */
export function writeUint64(target: Buffer, value: number, at: number): void {
  target.writeUInt32LE(value % 2 ** 32, at);
  target.writeUInt32LE(Math.floor(value / 2 ** 32), at + 4);
}

/** Reads what {@link writeUint64} wrote; NaN for more than 2^53 - 1, which equals nothing. */
export function readUint64(source: Buffer, at: number): number {
  const value = source.readUInt32LE(at + 4) * 2 ** 32 + source.readUInt32LE(at);
  return Number.isSafeInteger(value) ? value : Number.NaN;
}
