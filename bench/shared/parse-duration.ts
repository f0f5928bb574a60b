const unitMs = { ms: 1, s: 1_000, m: 60_000 };

/** `500ms`, `2s`, `1.5s`, `1m`, or plain milliseconds, in milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const [, number, unit = "ms"] = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * unitMs[unit as keyof typeof unitMs];
}
