import { type DescExtension, type DescMethod, hasOption } from "@bufbuild/protobuf";
import { multicast, quorumcall, rpc, unicast } from "./gen/gorums_pb.js";
import { GenerationError, problemOf } from "./generation-error.js";

/** How a method is called, as the generated table says it. */
export type CallType = "rpc" | "unicast" | "multicast" | "quorumCall" | "correctable";

type OptionName = "rpc" | "unicast" | "multicast" | "quorumcall";

const options: readonly (readonly [OptionName, DescExtension])[] = [
  ["rpc", rpc],
  ["unicast", unicast],
  ["multicast", multicast],
  ["quorumcall", quorumcall],
];

/**
 * Reads the call type of a method from its options and its streams (F-38).
 * @throws GenerationError with every contradiction in the method, each saying what to write instead.
 */
export function callTypeOf(method: DescMethod): CallType {
  const selected = selectedOptions(method);
  const contradictions = [...optionContradictions(selected), ...streamContradictions(method, selected)];
  if (contradictions.length > 0) {
    throw new GenerationError(contradictions.map((message) => problemOf(method, message)));
  }
  const option = selected[0] ?? "rpc";
  if (option !== "quorumcall") return option;
  return method.proto.serverStreaming ? "correctable" : "quorumCall";
}

function selectedOptions(method: DescMethod): OptionName[] {
  // Presence counts, not the value: for Gorums too, `= false` selects the call type.
  return options.filter(([, extension]) => hasOption(method, extension)).map(([name]) => name);
}

function optionContradictions(selected: readonly OptionName[]): string[] {
  if (selected.length < 2) return [];
  const names = listOf(selected.map((name) => `gorums.${name}`));
  return [
    `${names} exclude each other; keep one and remove the rest (an option set to false counts as well)`,
  ];
}

function streamContradictions(method: DescMethod, selected: readonly OptionName[]): string[] {
  const { clientStreaming, serverStreaming } = method.proto;
  if (clientStreaming && serverStreaming) return [bidirectional(method)];
  // Gorums takes a stream of requests of a multicast, and means no more by it: each call sends one request.
  if (clientStreaming && !selected.includes("multicast")) return [streamedRequest(method, selected)];
  if (serverStreaming && !selected.includes("quorumcall")) return [streamedReply(method, selected)];
  return [];
}

function bidirectional(method: DescMethod): string {
  return (
    `streams in both directions are not supported; write \`rpc ${method.name}(${method.input.name}) ` +
    `returns (stream ${method.output.name})\` with \`option (gorums.quorumcall) = true\` for several replies ` +
    "to one request, and make one call per request"
  );
}

function streamedRequest(method: DescMethod, selected: readonly OptionName[]): string {
  const fix = `drop \`stream\` before ${method.input.name}`;
  return selected.includes("unicast")
    ? `a one-way stream of requests is written as several unicast calls; ${fix}`
    : `a stream of requests is not supported; ${fix} and make one call per request`;
}

function streamedReply(method: DescMethod, selected: readonly OptionName[]): string {
  const drop = `drop \`stream\` before ${method.output.name}`;
  const oneWay = selected.find((name) => name === "multicast" || name === "unicast");
  if (oneWay !== undefined) {
    return (
      `a ${oneWay} call has no reply, so none can be streamed; ${drop}, ` +
      `or write \`option (gorums.quorumcall) = true\` instead of gorums.${oneWay}`
    );
  }
  const quorumCall = selected.includes("rpc")
    ? "write `option (gorums.quorumcall) = true` instead of gorums.rpc"
    : "add `option (gorums.quorumcall) = true`";
  return `only a quorum call can have a streamed reply; ${quorumCall} or ${drop}`;
}

function listOf(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} and ${names.slice(-1).join("")}`;
}
