import { invalidArgument } from "../../internal/errors/quorate-error.js";

/** Checks that the interceptors of an option are functions. Throws InvalidArgument that names the option. */
export function checkInterceptors<Interceptor>(
  interceptors: readonly Interceptor[] = [],
  name = "interceptors",
): readonly Interceptor[] {
  if (Array.isArray(interceptors) && interceptors.every((one) => typeof one === "function"))
    return interceptors;
  throw invalidArgument(`${name} must be a list of functions`);
}
