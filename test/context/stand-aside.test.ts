import { contextSession, trackPeers } from "quorate/context";
import { describe, expect, it } from "vitest";
import { besideSession } from "../../bench/context/beside-session.js";
import { allStandAside } from "../../src/configuration/client-interceptor.js";

describe("trackPeers", () => {
  const standsAside = () => allStandAside([trackPeers()]);

  it.each([
    { where: "where no session is open", run: standsAside, expected: true },
    { where: "in a session", run: () => contextSession.begin(standsAside), expected: false },
    {
      where: "while one is open elsewhere",
      run: () => besideSession(async () => standsAside()),
      expected: true,
    },
    {
      where: "where a session was left",
      run: () => contextSession.begin(() => contextSession.leave(standsAside)),
      expected: true,
    },
    {
      where: "in a session that has ended, while another is open",
      run: () =>
        besideSession(() => contextSession.begin(async () => standsAside(), { signal: AbortSignal.abort() })),
      expected: true,
    },
  ])(
    "$where: whether the call can be made as one without interceptors is $expected",
    async ({ run, expected }) => {
      expect(await run()).toBe(expected);
    },
  );
});
