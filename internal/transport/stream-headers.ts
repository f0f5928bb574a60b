import { invalidArgument } from "../errors/quorate-error.js";
import type { Metadata } from "../wire/metadata.js";

/**
 * Checks that metadata can be sent as HTTP/2 headers of a stream, so that a bad key fails where it was given and not
 * at every attempt to connect. Throws InvalidArgument that names the key.
 */
export function checkStreamHeaders(metadata: Metadata): Metadata {
  for (const [key, value] of metadata) {
    if (!/^[0-9a-z_.-]+$/.test(key) || key.startsWith("grpc-") || key.endsWith("-bin")) {
      throw invalidArgument(
        `stream metadata "${key}" cannot be an HTTP/2 header: use 0-9, a-z, "_", "." and "-", no "grpc-" in front, ` +
          'no "-bin" behind',
      );
    }
    if (!/^[ -~]*$/.test(value)) {
      throw invalidArgument(
        `the value of stream metadata "${key}" is not printable ASCII; encode it as base64`,
      );
    }
  }
  return metadata;
}
