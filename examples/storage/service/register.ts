import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Responses } from "quorate";
import type {
  ReadResponse,
  ReadResponseSchema,
  WriteRequest,
  WriteResponse,
} from "../gen/storage/v1/storage_pb.js";

/** The values of one server. The newest time wins, so that writes may arrive in any order. */
export interface Register {
  /** The value of a key and its time; without a time if it was never written. */
  read(key: string): MessageInitShape<typeof ReadResponseSchema>;
  /** Takes a value that has a time, unless the one that is here is newer; says whether it did. */
  write(request: WriteRequest): boolean;
}

/** Makes an empty register. */
export function createRegister(): Register {
  const values = new Map<string, { value: string; time: Timestamp }>();
  return {
    read: (key) => values.get(key) ?? {},
    write: ({ key, value, time }) => {
      const held = values.get(key);
      if (time === undefined || (held !== undefined && isNewer(held.time, time))) return false;
      values.set(key, { value, time });
      return true;
    },
  };
}

/** Combines the replies of a read: the value with the newest time. */
export function newest(replies: readonly ReadResponse[]): ReadResponse {
  return replies.reduce((best, reply) => (isNewer(reply.time, best.time) ? reply : best));
}

/**
 * Whether a majority of the servers took the value; waits for as many as it needs to know. Rejects if no majority
 * replied.
 */
export async function isTakenByMajority(responses: Responses<WriteResponse>): Promise<boolean> {
  let taken = 0;
  for await (const response of responses) {
    if (response.ok && response.value.new && ++taken > responses.size / 2) return true;
  }
  // Fewer took it than replied, or too few replied: only the former is an answer.
  await responses.majority();
  return false;
}

function isNewer(a: Timestamp | undefined, b: Timestamp | undefined): boolean {
  if (a === undefined || b === undefined) return a !== undefined;
  return a.seconds > b.seconds || (a.seconds === b.seconds && a.nanos > b.nanos);
}
