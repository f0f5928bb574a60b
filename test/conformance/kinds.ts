import {
  type Configuration,
  createClient,
  type Node,
  type OneWayCallOptions,
  QuorateError,
  QuorumCallError,
  type TwoWayCallOptions,
} from "quorate";
import type { EchoRequest, EchoResponse } from "../gen/test/v1/test_pb.js";
import { Test } from "../gen/test/v1/test_quorate.js";

export type RequestInit = EchoRequest | { readonly value?: string };

/** A call that is answered, made at some of the targets. */
export interface TwoWayKind {
  readonly name: string;
  call(targets: Configuration, request: RequestInit, options?: TwoWayCallOptions): Promise<EchoResponse[]>;
}

/** A call that is not answered. */
export interface OneWayKind {
  readonly name: string;
  /** How many of three nodes it reaches. */
  readonly reaches: number;
  call(targets: Configuration, request: RequestInit, options?: OneWayCallOptions): Promise<void>;
}

export function nodeAt(targets: Configuration, at: number): Node {
  const node = targets.nodes.at(at);
  if (node === undefined) throw new Error(`there is no node at ${at} in ${targets}`);
  return node;
}

const rpcTo = (at: number): TwoWayKind["call"] => {
  return async (targets, request, options) => [
    await createClient(Test, nodeAt(targets, at)).echoRPC(request, options),
  ];
};

const unicastTo = (at: number): OneWayKind["call"] => {
  return (targets, request, options) => createClient(Test, nodeAt(targets, at)).echoUnicast(request, options);
};

/** Where a server calls its peers, the first node is itself. */
export const twoWayKinds: readonly TwoWayKind[] = [
  { name: "an rpc to the first node", call: rpcTo(0) },
  { name: "an rpc to the last node", call: rpcTo(-1) },
  {
    name: "a quorum call",
    call: (targets, request, options) =>
      createClient(Test, targets)
        .echoQC(request, options)
        .all((replies) => [...replies]),
  },
];

export const oneWayKinds: readonly OneWayKind[] = [
  { name: "a unicast to the first node", reaches: 1, call: unicastTo(0) },
  { name: "a unicast to the last node", reaches: 1, call: unicastTo(-1) },
  {
    name: "a multicast",
    reaches: 3,
    call: (targets, request, options) => createClient(Test, targets).echoMulticast(request, options),
  },
];

/** The error of a call; of a quorum call what ended it or, if nodes failed, the error of the first of them. */
export async function failureOf(call: Promise<unknown>): Promise<QuorateError> {
  const error = await call.then(
    () => new Error("the call did not fail"),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof QuorateError)) throw error;
  if (!(error instanceof QuorumCallError)) return error;
  const [first] = error.nodeErrors.values();
  if (first !== undefined) return first;
  return error.cause instanceof QuorateError ? error.cause : error;
}
