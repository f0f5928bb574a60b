export { Code, codeName } from "../internal/errors/code.js";
export { QuorateError, type QuorateErrorOptions } from "../internal/errors/quorate-error.js";
export type { BackoffOptions } from "../internal/stream/backoff.js";
export type { PeerCertificate } from "../internal/transport/peer-certificate.js";
export type { Pem, ServerTlsOptions, TlsOptions } from "../internal/transport/tls-options.js";
export type { ConnectionTls } from "../internal/transport/transport.js";
export { Metadata, type MetadataInit } from "../internal/wire/metadata.js";
export type { CallOptions, OneWayCallOptions, TwoWayCallOptions } from "./calls/call-options.js";
export type { CallTarget, RpcTarget } from "./calls/call-target.js";
export type { Client } from "./calls/client-types.js";
export type { Correctable, CorrectableState } from "./calls/correctable.js";
export { type ClientOptions, createClient } from "./calls/create-client.js";
export { mapRequest, mapResponse } from "./calls/map-interceptors.js";
export type { ResponseSequence } from "./calls/response-sequence.js";
export type { Combine, Responses, StreamedResponses } from "./calls/responses.js";
export {
  type CallHooks,
  type ClientCall,
  type ClientInterceptor,
  drop,
  skip,
} from "./configuration/client-interceptor.js";
export type { Configuration, OwnedConfiguration } from "./configuration/configuration.js";
export type { ErrorMatch, NodeErrors } from "./configuration/error-match.js";
export type { Node } from "./configuration/node.js";
export type { NodeList } from "./configuration/node-list.js";
export { byId, byLastError, byLatency, type NodeOrder } from "./configuration/node-order.js";
export type { NodeResponse } from "./configuration/node-response.js";
export type { Direction, EventCounters, Limit, QuorateEvent } from "./configuration/quorate-event.js";
export type { WatchOptions } from "./configuration/watch.js";
export { type ConnectOptions, connect } from "./connect.js";
export { QuorumCallError, type QuorumCallReason } from "./errors/quorum-call-error.js";
export { type CertificateIdentityOptions, certificateIdentity } from "./server/certificate-identity.js";
export type { WaitCondition, WaitOptions } from "./server/configuration-waiters.js";
export type { Connection } from "./server/connection.js";
export { createServer } from "./server/create-server.js";
export type { Extension } from "./server/extension.js";
export type { HandlerContext } from "./server/handler-context.js";
export type { Handlers } from "./server/handler-types.js";
export type { ArrivingPeer, Identify, Identity } from "./server/identify.js";
export type { PeerClaim } from "./server/peer-identity.js";
export type { PeerOptions } from "./server/peer-options.js";
export type { DialAttempt, Prove } from "./server/prove.js";
export type { Router } from "./server/router.js";
export type { Server, ServerOptions } from "./server/server.js";
export type {
  HandlerCall,
  HandlerReply,
  NextHandler,
  ServerInterceptor,
} from "./server/server-interceptor.js";
export { type SharedSecret, type SharedSecretOptions, sharedSecret } from "./server/shared-secret.js";
export type { NodeSnapshot, ServerSnapshot, StreamSnapshot } from "./server/snapshot.js";
export { trustClaims } from "./server/trust-claims.js";
export {
  type CallType,
  type CallTypes,
  defineService,
  type QuorateService,
} from "./service/quorate-service.js";
