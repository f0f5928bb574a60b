import { Code, QuorateError, type ServerInterceptor } from "quorate";

/** Refuses whatever is about the key `foo`. */
export function noFoo(): ServerInterceptor {
  return (call, next) => {
    if ("key" in call.request && call.request.key === "foo") {
      throw new QuorateError(Code.PermissionDenied, "requests for key 'foo' are not allowed");
    }
    return next(call);
  };
}
