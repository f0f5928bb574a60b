/** The number that a flag was given. Throws for what is none, and for one below `least`. */
export function wholeNumber(name: string, text: string, least: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= 0xffff_ffff) return number;
  throw new Error(`--${name} takes a whole number from ${least} on: not ${text}`);
}
