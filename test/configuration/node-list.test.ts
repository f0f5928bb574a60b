import { Code, connect, createServer, type NodeList } from "quorate";
import { describe, expect, it } from "vitest";
import { firstDynamicId, parseAddress } from "../../src/configuration/node-list.js";
import { readNodeList } from "../../src/configuration/node-register.js";
import { checkLeaks } from "../helpers/leaks.js";

checkLeaks();

const [a, b, c] = ["127.0.0.1:9081", "127.0.0.1:9082", "127.0.0.1:9083"];

describe("a node list", () => {
  it.each<[string, NodeList, (readonly [number, string])[]]>([
    [
      "[NL-01] addresses, numbered from 1",
      [a, b, c],
      [
        [1, a],
        [2, b],
        [3, c],
      ],
    ],
    [
      "[NL-02] addresses by id",
      { 4: a, 2: b },
      [
        [2, b],
        [4, a],
      ],
    ],
    [
      "[NL-03] a Map in any order",
      new Map([
        [9, c],
        [10, b],
        [1, a],
      ]),
      [
        [1, a],
        [9, c],
        [10, b],
      ],
    ],
    ["the largest id", { [firstDynamicId - 1]: a }, [[firstDynamicId - 1, a]]],
    [
      "IPv6 addresses",
      ["[::1]:9081", "[fe80::1%eth0]:9081"],
      [
        [1, "[::1]:9081"],
        [2, "[fe80::1%eth0]:9081"],
      ],
    ],
    [
      "[W-27] names, kept as they are, also unknown ones",
      ["node-1.invalid:1", "node-2.invalid:1"],
      [
        [1, "node-1.invalid:1"],
        [2, "node-2.invalid:1"],
      ],
    ],
    [
      "one host with several ports",
      ["localhost:9081", "localhost:9082"],
      [
        [1, "localhost:9081"],
        [2, "localhost:9082"],
      ],
    ],
  ])("takes %s", async (_, nodes, entries) => {
    expect(await readNodeList(nodes)).toEqual(entries.map(([id, address]) => ({ id, address })));
  });

  it.each<[string, unknown, string]>([
    ["[NL-04] an empty list", [], "quorate: missing required node addresses: the list is empty"],
    ["[NL-05] an empty object", {}, "quorate: missing required node map: it is empty"],
    ["[NL-05] an empty Map", new Map(), "quorate: missing required node map: it is empty"],
    ["[NL-06] nothing", undefined, "quorate: missing required node list: "],
    ["[NL-06] null", null, "quorate: missing required node list: "],
    ["a single address", a, "quorate: missing required node list: "],
    ["[NL-07] id 0", { 0: a }, "quorate: node 0 is reserved"],
    ["[NL-07] id 0 in a Map", new Map([[0, a]]), "quorate: node 0 is reserved"],
    ["a negative id", new Map([[-1, a]]), "quorate: node id -1 is out of range: use 1 to 1048575"],
    ["a negative id in an object", { [-5]: a }, "quorate: node id -5 is out of range"],
    [
      "[W-23] an id in the range of dynamic clients",
      { [1 << 20]: a },
      "quorate: node id 1048576 is out of range",
    ],
    ["an id that is no integer", new Map([[1.5, a]]), "quorate: node id 1.5 is "],
    ["an id that is no integer, in an object", { "1.5": a }, 'quorate: node id "1.5" is '],
    ["an id that is no number", { one: a }, 'quorate: node id "one" is '],
    ["NaN", new Map([[Number.NaN, a]]), "quorate: node id NaN is "],
    [
      "an id twice, in two spellings",
      { "1": a, "01": b },
      'quorate: node 1 already in use by "127.0.0.1:9081"',
    ],
    [
      "an id twice, as text and number",
      new Map<unknown, string>([
        [1, a],
        ["1", b],
      ]),
      "quorate: node 1 already in use by",
    ],
    ["[NL-08] an address twice", [a, b, a], `quorate: address "${a}" already in use by node 1`],
    ["[NL-08] an address twice, by id", { 5: b, 9: b }, `quorate: address "${b}" already in use by node 5`],
    [
      "[NL-09] two spellings of one endpoint",
      ["localhost:9081", "127.0.0.1:9081"],
      'quorate: address "127.0.0.1:9081" already in use by node 1 (node 1 is "localhost:9081", node 2 is ',
    ],
    [
      "[NL-09] a name in two cases",
      ["Node-1.invalid:1", "node-1.INVALID:1"],
      'quorate: address "node-1.invalid:1" already in use by node 1 (node 1 is "Node-1.invalid:1", node 2 is ',
    ],
    [
      "[NL-09] an IPv6 address in two spellings",
      ["[::1]:9081", "[0:0:0:0:0:0:0:1]:9081"],
      'quorate: address "[::1]:9081" already in use by node 1 (',
    ],
    [
      "[NL-09] an IPv6 address in two cases",
      ["[FE80::A]:1", "[fe80::a]:1"],
      'quorate: address "[fe80::a]:1" already in use by node 1 (node 1 is "[FE80::A]:1", ',
    ],
    [
      "[NL-10] an address without a port",
      [a, "not-an-address"],
      'quorate: invalid address "not-an-address": ',
    ],
    ["an IPv6 address without brackets", ["::1:9081"], 'quorate: invalid address "::1:9081": '],
    ["brackets around no IPv6 address", ["[1:2]:80"], 'quorate: invalid address "[1:2]:80": '],
    ["brackets around an IPv4 address", ["[127.0.0.1]:80"], 'quorate: invalid address "[127.0.0.1]:80": '],
    ["port 0", ["127.0.0.1:0"], 'quorate: invalid address "127.0.0.1:0": the port must be from 1 to 65535'],
    [
      "a port above 65535",
      ["127.0.0.1:65536"],
      'quorate: invalid address "127.0.0.1:65536": the port must be',
    ],
    ["an address with a blank", ["a b:80"], 'quorate: invalid address "a b:80": '],
    ["a URL", ["http://host:80"], 'quorate: invalid address "http://host:80": '],
    ["an address that is no text", [9081], 'quorate: invalid address "9081": '],
    ["a hole", [undefined], 'quorate: invalid address "undefined": '],
  ])("refuses %s", async (_, nodes, message) => {
    const expected = expect.objectContaining({
      code: Code.InvalidArgument,
      message: expect.stringContaining(message) as string,
    }) as Error;
    await expect(readNodeList(nodes as NodeList)).rejects.toEqual(expected);
    await expect(connect({ nodes: nodes as NodeList })).rejects.toEqual(expected);
  });

  it("[KP-02] is checked for a server as well, which then does not listen", async () => {
    await expect(createServer({ nodes: [a, a], nodeId: 1 })).rejects.toMatchObject({
      code: Code.InvalidArgument,
      message: `quorate: address "${a}" already in use by node 1`,
    });
  });
});

describe("parseAddress", () => {
  it.each([
    ["127.0.0.1:9081", "127.0.0.1", 9081],
    ["localhost:1", "localhost", 1],
    ["[::1]:65535", "::1", 65535],
    ["db.example.com:443", "db.example.com", 443],
  ])("splits %s", (address, host, port) => {
    expect(parseAddress(address)).toEqual({ host, port });
  });

  it("takes port 0 where one may be asked for", () => {
    expect(parseAddress("127.0.0.1:0", 0)).toEqual({ host: "127.0.0.1", port: 0 });
  });
});
