import { describe, expect, it, vi } from "vitest";
import { nodesOf } from "../../../src/configuration/node-set.js";
import { DialledStreams, dialledStreamsOf } from "../../../src/sessions/client/dialled-streams.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { present } from "./present.js";
import { ScriptedServers } from "./scripted-servers.js";

checkLeaks();

describe("DialledStreams", () => {
  it("knows the stream of each node as long as it is up, and tells when one comes up", async () => {
    await using servers = await ScriptedServers.start(2);
    const configuration = await servers.connect();
    const [one, two] = nodesOf(configuration).map(present);
    const node = present(one);
    const streams = present(dialledStreamsOf(node.settings));
    const before = streams.of(node);
    expect(before).toMatchObject({ node, stream: node.channel?.stream });
    expect(streams.of(present(two))).not.toBe(before);
    const opened = vi.fn<() => void>();
    const stop = streams.listen(opened);
    servers.break(1, "down");
    await eventually(() => !node.connected);
    expect(streams.of(node)).toBeUndefined();
    expect(opened).not.toHaveBeenCalled();
    servers.up(1);
    await eventually(() => opened.mock.calls.length === 1);
    expect(streams.of(node)).not.toBe(before);
    stop();
  });

  it("lets go of a session that has ended", async () => {
    const made = vi.spyOn(DialledStreams.prototype, "join");
    await using servers = await ScriptedServers.start(1);
    const configuration = await servers.connect();
    const session = await servers.openOn(configuration);
    const streams = dialledStreamsOf(present(nodesOf(configuration)[0]).settings);
    const [[member] = []] = made.mock.calls;
    made.mockRestore();
    const evicted = vi.spyOn(present(member), "evicted");
    const tell = () => {
      const { connection } = present(servers.seen[0]).stream;
      present(streams).evicted(present(member).client, { session: 1, reason: "expired" }, connection);
    };
    tell();
    expect(evicted).toHaveBeenCalledTimes(1);
    await session.close();
    tell();
    expect(evicted).toHaveBeenCalledTimes(1);
  });
});
