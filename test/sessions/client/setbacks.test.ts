import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Setbacks } from "../../../src/sessions/client/setbacks.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { errorOf } from "./client-session.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
checkLeaks();
afterEach(() => {
  vi.useRealTimers();
});

describe("Setbacks", () => {
  it("give a server up after three, and begin anew at the next one", () => {
    const setbacks = new Setbacks({});
    const add = () => setbacks.add(errorOf("RETRY"));
    expect([setbacks.areNone, add(), add(), add(), setbacks.areNone]).toEqual([
      true,
      false,
      false,
      true,
      false,
    ]);
    setbacks.left();
    expect([setbacks.areNone, add(), add(), add()]).toEqual([true, false, false, true]);
  });

  it("give a server that closes up at once, and a second one not before something was answered", () => {
    const setbacks = new Setbacks({});
    const add = () => setbacks.add(errorOf("SERVER_CLOSING"));
    expect(add()).toBe(true);
    setbacks.left();
    expect([add(), add(), add()]).toEqual([false, false, true]);
    setbacks.progressed();
    expect(add()).toBe(true);
  });

  it("wait longer each time, until something was answered", () => {
    const setbacks = new Setbacks({ minMs: 100, factor: 2, jitter: 0 });
    const waited = () => {
      const began = performance.now();
      let after = 0;
      setbacks.add(errorOf("RETRY"));
      setbacks.wait(() => {
        after = performance.now() - began;
      });
      expect(setbacks.isWaiting).toBe(true);
      vi.runAllTimers();
      expect(setbacks.isWaiting).toBe(false);
      return Math.floor(after / 100) * 100;
    };
    expect([waited(), waited(), waited()]).toEqual([100, 200, 400]);
    setbacks.progressed();
    expect(waited()).toBe(100);
    setbacks.wait(() => expect.unreachable());
    setbacks.stop();
    vi.runAllTimers();
  });
});
