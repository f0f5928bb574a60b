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
    if (reserved.has(key)) {
      throw invalidArgument(`stream metadata "${key}" is a header that HTTP/2 or gRPC sets itself`);
    }
    if (single.has(key) && metadata.getAll(key).length > 1) {
      throw invalidArgument(`stream metadata "${key}" is a header that HTTP allows once`);
    }
    if (!/^([!-~]([ -~]*[!-~])?)?$/.test(value)) {
      throw invalidArgument(
        `the value of stream metadata "${key}" is not printable ASCII without blanks around it; encode it as base64`,
      );
    }
  }
  return metadata;
}

const reserved = new Set(
  (
    "accept-encoding connection content-length content-type host http2-settings keep-alive proxy-connection te " +
    "transfer-encoding upgrade user-agent"
  ).split(" "),
);

/** Those for which node:http2 refuses to open a stream if they are given twice. */
const single = new Set(
  (
    "access-control-allow-credentials access-control-max-age access-control-request-method age authorization " +
    "content-encoding content-language content-location content-md5 content-range date dnt etag expires from " +
    "if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards " +
    "proxy-authorization range referer retry-after tk upgrade-insecure-requests x-content-type-options"
  ).split(" "),
);
