import type { ServerInterceptor } from "quorate";

/** Logs each request with its key and the metadata of its call before it runs, and how it ended. */
export function logging(log: (line: string) => void): ServerInterceptor {
  return async (call, next) => {
    const { method, request, context } = call;
    const key = "key" in request ? ` of key '${request.key}'` : "";
    // That of the stream comes first, and is the same for every call.
    const metadata = [...context.metadata].slice(context.connection.metadata.size);
    log(`${method}${key}: begins${metadata.map(([name, value]) => ` ${name}=${value}`).join("")}`);
    try {
      const reply = await next(call);
      log(`${method}${key}: ends well`);
      return reply;
    } catch (error) {
      log(`${method}${key}: fails: ${error instanceof Error ? error.message : String(error)}`);
      throw error;
    }
  };
}
