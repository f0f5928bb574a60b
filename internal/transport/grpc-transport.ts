import { dialGrpc } from "./grpc-dialer.js";
import { listenGrpc } from "./grpc-listener.js";
import type { Transport } from "./transport.js";

/** Real streams, over grpc-js. */
export const grpcTransport: Transport = { secure: true, dial: dialGrpc, listen: listenGrpc };
