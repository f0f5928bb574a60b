import { isMessage } from "@bufbuild/protobuf";
import { type ClientInterceptor, Code, QuorateError } from "quorate";
import { BlockSchema, GetBlockRequestSchema } from "../gen/gateway/v1/gateway_pb.js";
import { blockIdOf } from "../service/block-id.js";

/** Refuses blocks that are not those that were asked for: to the caller, the peer has failed with DataLoss. */
export const verifyBlocks: ClientInterceptor = ({ request }) => {
  if (!isMessage(request, GetBlockRequestSchema)) return undefined;
  const { blockId } = request;
  return {
    response: (response) => {
      if (!response.ok || !isMessage(response.value, BlockSchema)) return;
      if (blockIdOf(response.value.data) === blockId) return;
      throw new QuorateError(
        Code.DataLoss,
        `gateway: ${response.node} sent wrong bytes for block ${blockId}`,
      );
    },
  };
};
