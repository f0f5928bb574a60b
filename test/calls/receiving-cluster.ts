import { createLocalCluster, type LocalCluster } from "quorate/testing";
import type { EchoRequest } from "../gen/test/v1/test_pb.js";
import { Test } from "../gen/test/v1/test_quorate.js";

/** What each node received, by one-way calls and by others. */
export interface Received extends AsyncDisposable {
  readonly cluster: LocalCluster;
  readonly at: (node: number) => string[];
}

/** Starts servers that note what they receive, and answer with it. */
export async function receivingCluster(size: number): Promise<Received> {
  const received = new Map<number, string[]>();
  const at = (node: number) => {
    const values = received.get(node) ?? [];
    received.set(node, values);
    return values;
  };
  const cluster = await createLocalCluster(size, {
    routes: (router, node) => {
      const note = ({ value }: EchoRequest) => {
        at(node).push(value);
        return { value: `${value} at ${node}`, server: node };
      };
      router.service(Test, {
        echoRPC: note,
        echoPlain: (_, { metadata }) => ({ value: metadata.getAll("who").join() }),
        echoQC: note,
        echoUnicast: note,
        echoMulticast: note,
        echoCorrectable: (request) => [note(request), note(request)],
      });
    },
  });
  return { cluster, at, [Symbol.asyncDispose]: () => cluster.close() };
}
