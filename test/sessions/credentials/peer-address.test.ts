import { describe, expect, it } from "vitest";
import { hostKey, isLocalAddress } from "../../../src/sessions/credentials/peer-address.js";

describe("hostKey", () => {
  it.each([
    ["203.0.113.9:50000", "203.0.113.9"],
    ["203.0.113.9", "203.0.113.9"],
    ["::ffff:203.0.113.9:50000", "203.0.113.9"],
    ["[::ffff:cb00:7109]:50000", "203.0.113.9"],
    ["2001:db8:1:2:3:4:5:6:50000", "2001:db8:1:2::/64"],
    ["[2001:db8:1:2::6]:50000", "2001:db8:1:2::/64"],
    ["2001:db8:1:2:ffff::6:50000", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002::1", "2001:db8:1:2::/64"],
    ["fe80::1%eth0:50000", "fe80:0:0:0::/64"],
    ["::1:50000", "0:0:0:0::/64"],
    ["host.example:9000", "host.example"],
    ["unknown", "unknown"],
  ])("of %s is %s", (address, key) => {
    expect(hostKey(address)).toBe(key);
  });

  it("is not the same for neighbouring networks", () => {
    expect(hostKey("2001:db8:1:2::1:50000")).not.toBe(hostKey("2001:db8:1:3::1:50000"));
  });
});

describe("isLocalAddress", () => {
  it.each([
    "127.0.0.1:50000",
    "127.8.8.8:50000",
    "::1:50000",
    "[::1]:50000",
    "::1",
    "::ffff:127.0.0.1:50000",
    "[::ffff:7f00:1]:50000",
    "localhost:50000",
    "memory:7",
  ])("holds for %s", (address) => {
    expect(isLocalAddress(address)).toBe(true);
  });

  it.each([
    "203.0.113.9:50000",
    "128.0.0.1:50000",
    "::ffff:203.0.113.9:50000",
    "::127.0.0.1:50000",
    "2001:db8::1:50000",
    "127.0.0.1.example:50000",
    "localhost.example:50000",
    "memory.example:7",
    "unknown",
    "",
  ])("does not hold for %j", (address) => {
    expect(isLocalAddress(address)).toBe(false);
  });
});
