import type { HandlerContext, MetadataInit, ServerInterceptor } from "quorate";

/** Adds metadata to each request, for the interceptors behind this one and for the handler. */
export function addMetadata(metadata: MetadataInit): ServerInterceptor {
  return (call, next) => next({ ...call, context: withMetadata(call.context, metadata) });
}

/** The same context, with more metadata. */
function withMetadata(context: HandlerContext, metadata: MetadataInit): HandlerContext {
  return {
    signal: context.signal,
    metadata: context.metadata.join(metadata),
    caller: context.caller,
    connection: context.connection,
    // These change while a handler runs.
    get peers() {
      return context.peers;
    },
    get clients() {
      return context.clients;
    },
    remainingMs: context.remainingMs,
    release: context.release,
  };
}
