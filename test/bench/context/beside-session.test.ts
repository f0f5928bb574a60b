import { contextSession } from "quorate/context";
import { describe, expect, it } from "vitest";
import { besideSession } from "../../../bench/context/beside-session.js";
import { anyScopeOpen } from "../../../internal/util/async-scope.js";

describe("besideSession", () => {
  const seen = () => ({ open: anyScopeOpen(), current: contextSession.current() });

  it("does the work outside of any session while one is open, and has none left open", async () => {
    expect(await besideSession(async () => seen())).toEqual({ open: true, current: undefined });
    expect(seen()).toEqual({ open: false, current: undefined });
  });

  it("rejects as the work does, and has no session left open", async () => {
    const failing = besideSession(async () => {
      await Promise.resolve();
      throw new Error("it cannot");
    });
    await expect(failing).rejects.toThrow("it cannot");
    expect(anyScopeOpen()).toBe(false);
  });
});
