import { describe, expect, it } from "vitest";
import { Code } from "../../internal/errors/code.js";
import {
  checkLimitOptions,
  checkSizes,
  limitNames,
  overheadBytes,
  proposedLimits,
} from "../../src/sessions/session-limits.js";

describe("proposedLimits", () => {
  it("has the documented defaults", () => {
    expect(proposedLimits()).toEqual({
      maxSessions: 4_096,
      maxSessionsPerUser: 1_024,
      maxInFlight: 64,
      maxRequestBytes: 1_048_576,
      maxReplyBytes: 1_048_576,
      idleTimeoutMs: 600_000,
      guardTimeoutMs: 60_000,
      tickMs: 15_000,
    });
  });

  it.each([
    [400, 100],
    [3, 1],
    [1, 1],
  ])("with maxSessions %i lets a user have %i", (maxSessions, maxSessionsPerUser) => {
    expect(proposedLimits({ maxSessions })).toMatchObject({ maxSessions, maxSessionsPerUser });
  });

  it.each(
    limitNames.flatMap((name) =>
      [0, -1, 1.5, 2 ** 32, Number.NaN, Number.POSITIVE_INFINITY].map((value) => ({ name, value })),
    ),
  )("refuses $name: $value", ({ name, value }) => {
    expect(() => proposedLimits({ [name]: value })).toThrow(
      expect.objectContaining({ code: Code.InvalidArgument, message: expect.stringContaining(name) }),
    );
  });

  it("refuses a guard time-out whose verdict could come after the session's end", () => {
    const times = { idleTimeoutMs: 100_000, tickMs: 10_000 };
    const refused = { ...times, guardTimeoutMs: 80_000 };
    expect(() => proposedLimits(refused)).toThrow(
      expect.objectContaining({
        code: Code.InvalidArgument,
        message: expect.stringContaining("guardTimeoutMs"),
      }),
    );
    expect(proposedLimits({ ...times, guardTimeoutMs: 79_999 })).toMatchObject({ guardTimeoutMs: 79_999 });
  });

  it("refuses more sessions of one user than of all", () => {
    expect(() => proposedLimits({ maxSessions: 2, maxSessionsPerUser: 3 })).toThrow(
      expect.objectContaining({ code: Code.InvalidArgument }),
    );
  });
});

describe("checkLimitOptions", () => {
  it("lets a server start that leaves out what stands in the log, or says the same", () => {
    const inLog = proposedLimits({ maxSessions: 10, maxInFlight: 5 });
    expect(() => checkLimitOptions({}, inLog)).not.toThrow();
    expect(() => checkLimitOptions({ maxInFlight: 5, maxSessions: undefined }, inLog)).not.toThrow();
  });

  it("lets no server start with other limits, and names them", () => {
    const inLog = proposedLimits({ maxInFlight: 5, tickMs: 1_000 });
    expect(() => checkLimitOptions({ maxInFlight: 64, tickMs: 1_000, maxSessions: 3 }, inLog)).toThrow(
      expect.objectContaining({
        code: Code.FailedPrecondition,
        reason: "LIMITS_DIFFER",
        message: expect.stringMatching(/maxSessions is 3, and 4096 .*maxInFlight is 64, and 5 /),
      }),
    );
  });
});

describe("checkSizes", () => {
  const limits = proposedLimits({ maxRequestBytes: 5_000, maxReplyBytes: 6_000 });
  const enough = 6_000 + overheadBytes;

  it("takes bounds that are just large enough", () => {
    const bounds = { maxEntryBytes: enough, maxMessageBytes: enough };
    expect(() => checkSizes(limits, bounds)).not.toThrow();
  });

  it.each([
    [{ maxEntryBytes: enough - 1, maxMessageBytes: enough }, "maxReplyBytes is 6000, but an entry"],
    [{ maxEntryBytes: enough, maxMessageBytes: enough - 1 }, "maxReplyBytes is 6000, but a message"],
    [{ maxEntryBytes: 5_000, maxMessageBytes: enough }, "maxRequestBytes is 5000, but an entry"],
  ])("refuses limits that %o does not hold", (bounds, message) => {
    expect(() => checkSizes(limits, bounds)).toThrow(
      expect.objectContaining({ code: Code.InvalidArgument, message: expect.stringContaining(message) }),
    );
  });
});
