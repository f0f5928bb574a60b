import { describe, expect, it, vi } from "vitest";
import { onAbort } from "../../internal/util/on-abort.js";

describe("onAbort", () => {
  it("tells every listener once, with the reason, through one event listener of the signal", () => {
    const controller = new AbortController();
    const add = vi.spyOn(controller.signal, "addEventListener");
    const told: unknown[] = [];
    for (let n = 0; n < 1_000; n++) onAbort(controller.signal, (reason) => told.push(reason));
    controller.abort("why");
    controller.abort("again");
    expect(told).toEqual(Array.from({ length: 1_000 }, () => "why"));
    expect(add).toHaveBeenCalledTimes(1);
  });

  it("does not tell a listener that stopped, not even one that another stops while they are told", () => {
    const controller = new AbortController();
    const told: string[] = [];
    const stopFirst = onAbort(controller.signal, () => told.push("first"));
    onAbort(controller.signal, () => {
      told.push("second");
      stopThird();
    });
    const stopThird = onAbort(controller.signal, () => told.push("third"));
    stopFirst();
    controller.abort();
    expect(told).toEqual(["second"]);
  });

  it("leaves nothing on the signal when all have stopped, and listens again for who comes later", () => {
    const controller = new AbortController();
    const add = vi.spyOn(controller.signal, "addEventListener");
    const remove = vi.spyOn(controller.signal, "removeEventListener");
    const stops = [onAbort(controller.signal, () => {}), onAbort(controller.signal, () => {})];
    for (const stop of [...stops, ...stops]) stop();
    expect(remove).toHaveBeenCalledTimes(1);
    let told = false;
    onAbort(controller.signal, () => {
      told = true;
    });
    controller.abort();
    expect(told).toBe(true);
    expect(add).toHaveBeenCalledTimes(2);
  });
});
