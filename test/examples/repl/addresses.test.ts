import { describe, expect, it } from "vitest";
import { peerConfig, splitAddresses } from "../../../examples/storage/repl/addresses.js";

describe("splitAddresses", () => {
  it.each([
    { list: "a:1,b:2", addresses: ["a:1", "b:2"] },
    { list: " a:1 ,\tb:2 ", addresses: ["a:1", "b:2"] },
    { list: "a:1,,b:2,", addresses: ["a:1", "b:2"] },
    { list: ", ,a:1, ", addresses: ["a:1"] },
    { list: "", addresses: [] },
    { list: " , ", addresses: [] },
  ])("[RE-13] leaves out entries that are blank: '$list'", ({ list, addresses }) => {
    expect(splitAddresses(list)).toEqual(addresses);
  });
});

describe("peerConfig", () => {
  const sorted = ["127.0.0.1:9081", "127.0.0.1:9082", "127.0.0.1:9083"];

  it.each(sorted.map((own, at) => ({ own, nodeId: at + 1 })))(
    "[RE-13] gives $own the id $nodeId, in whatever order the addresses come",
    ({ own, nodeId }) => {
      const [a = "", b = "", c = ""] = sorted;
      for (const addresses of [
        [a, b, c],
        [a, c, b],
        [b, a, c],
        [b, c, a],
        [c, a, b],
        [c, b, a],
      ]) {
        expect(peerConfig(own, addresses)).toEqual({ nodeId, nodes: sorted });
      }
    },
  );

  it("[RE-13] sorts by characters, not by numbers or by the language of the machine", () => {
    const { nodes } = peerConfig("b:1", ["b:1", "a:9", "a:10", "B:1"]);
    expect(nodes).toEqual(["B:1", "a:10", "a:9", "b:1"]);
  });

  it("[RE-13] refuses an address that is not among them", () => {
    expect(() => peerConfig("127.0.0.1:9084", sorted)).toThrow(
      'server address "127.0.0.1:9084" not found in --addrs list',
    );
  });
});
