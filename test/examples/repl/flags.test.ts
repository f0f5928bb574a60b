import { describe, expect, it } from "vitest";
import { readFlags, usage } from "../../../examples/storage/repl/flags.js";

describe("readFlags", () => {
  const server = { addresses: ["a:1", "b:2"], interceptors: [], waitMs: 10_000 };
  it.each([
    { args: [], flags: { kind: "local", interceptors: [], timeoutMs: 2_000 } },
    { args: ["--addrs", "b:2, a:1"], flags: { kind: "client", addresses: ["b:2", "a:1"], timeoutMs: 2_000 } },
    { args: ["--cluster", "--addrs", "a:1,b:2"], flags: { kind: "cluster", ...server } },
    { args: ["--serve", "--addrs", "a:1,b:2"], flags: { kind: "serve", address: "a:1", ...server } },
  ])("[RE-11] tells the ways of running apart: $args", ({ args, flags }) => {
    expect(readFlags(args)).toEqual(flags);
  });

  it("reads what there is beside", () => {
    const server1 = ["--serve", "--addrs=a:1,b:2", "--address", "b:2", "--wait-ms", "50"];
    expect(readFlags(server1)).toMatchObject({ kind: "serve", address: "b:2", waitMs: 50 });
    expect(readFlags(["--timeout-ms", "7"])).toMatchObject({ kind: "local", timeoutMs: 7 });
    expect(readFlags(["--help", "--serve"])).toEqual({ kind: "help" });
  });

  it("takes one dash, as Go programs do", () => {
    const flags = readFlags(["-cluster", "-addrs", "a:1,b:2", "-interceptors=nofoo"]);
    expect(flags).toEqual({ kind: "cluster", ...server, interceptors: ["nofoo"] });
  });

  it("[RE-12] reads names of interceptors in their order", () => {
    const names = ["delayed", "logging", "nofoo", "metadata"];
    for (const list of [names.join(","), " delayed, logging ,,nofoo,metadata,"]) {
      expect(readFlags(["--interceptors", list])).toMatchObject({ interceptors: names });
    }
  });

  it.each([
    { args: ["--interceptors", "logging,nobar"], error: "Unknown interceptor: nobar" },
    { args: ["--interceptors", "constructor"], error: "Unknown interceptor: constructor" },
    { args: ["--serve"], error: "--addrs needs" },
    { args: ["--cluster", "--addrs", " , "], error: "--addrs needs" },
    { args: ["--addrs", ""], error: "--addrs needs" },
    { args: ["--cluster", "--serve", "--addrs", "a:1"], error: "--serve cannot be used here" },
    { args: ["--addrs", "a:1", "--interceptors", "nofoo"], error: "--interceptors cannot be used here" },
    { args: ["--cluster", "--addrs", "a:1", "--timeout-ms", "5"], error: "--timeout-ms cannot be used here" },
    { args: ["--cluster", "--addrs", "a:1", "--address", "a:1"], error: "--address cannot be used here" },
    { args: ["--wait-ms", "5"], error: "--wait-ms cannot be used here" },
    {
      args: ["--timeout-ms", "0"],
      error: '--timeout-ms must be a number of milliseconds from 1 on; it is "0"',
    },
    { args: ["--serve", "--addrs", "a:1", "--wait-ms", "1s"], error: "--wait-ms must be a number" },
    { args: ["--dance"], error: "Unknown option '--dance'" },
    { args: ["dance"], error: "Unexpected argument 'dance'" },
  ])("refuses $args", ({ args, error }) => {
    expect(() => readFlags(args)).toThrow(error);
  });

  it("has a text that names each flag", () => {
    for (const flag of ["cluster", "serve", "addrs", "address", "interceptors", "timeout-ms", "wait-ms"]) {
      expect(usage).toContain(`--${flag} `);
    }
  });
});
