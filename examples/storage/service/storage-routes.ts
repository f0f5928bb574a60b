import {
  Code,
  type Configuration,
  createClient,
  type HandlerContext,
  QuorateError,
  type Router,
} from "quorate";
import type { WriteRequest } from "../gen/storage/v1/storage_pb.js";
import { Storage, Watcher } from "../gen/storage/v1/storage_quorate.js";
import { newest, type Register } from "./register.js";

/** Serves the register of one of `servers` servers, and tells its clients of every value that it takes. */
export function storageRoutes(
  register: Register,
  server: number,
  servers: number,
): (router: Router) => Router {
  // Of all servers, not only of those that are connected at the moment: any two majorities have one in common.
  const majority = Math.floor(servers / 2) + 1;
  const write = async (request: WriteRequest, { clients }: HandlerContext): Promise<{ new: boolean }> => {
    const taken = register.write(request);
    const { key, value } = request;
    // A server-initiated multicast: over the streams that the clients opened. It does not wait for them.
    if (taken) await createClient(Watcher, clients).changed({ key, value, server }, { ignoreErrors: true });
    return { new: taken };
  };

  return (router) =>
    router.service(Storage, {
      readRPC: ({ key }) => register.read(key),
      readQC: ({ key }) => register.read(key),
      // What is here now. A method whose answer gets better with time would yield again.
      *readCorrectable({ key }) {
        yield register.read(key);
      },
      writeRPC: write,
      writeQC: write,
      writeUnicast: write,
      writeMulticast: write,

      // Nested quorum calls: to the peers, on the streams that they opened, this server itself included.
      readNestedQC: ({ key }, context) =>
        createClient(Storage, peersFor("read_nested_qc", context))
          .readQC({ key }, rest(context))
          .threshold(majority, newest),
      writeNestedQC: (request, context) =>
        createClient(Storage, peersFor("write_nested_qc", context))
          .writeQC(request, rest(context))
          .threshold(majority, (replies) => ({ new: replies.every((reply) => reply.new) })),
    });
}

/** The peers, for a method that needs them. Throws FailedPrecondition at a server that was given none. */
function peersFor(method: string, { peers }: HandlerContext): Configuration {
  if (peers.size > 0) return peers;
  throw new QuorateError(Code.FailedPrecondition, `${method}: requires server peer configuration`);
}

/** What is left of the caller's time and patience, for the calls that a handler makes. */
function rest(context: HandlerContext) {
  return { timeoutMs: context.remainingMs(), signal: context.signal };
}
