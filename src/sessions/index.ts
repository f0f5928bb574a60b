export { openSession } from "./client/open-session.js";
export { restoreSession } from "./client/restore-session.js";
export type {
  CloseSessionOptions,
  CredentialSource,
  OpenSessionOptions,
  RecoveredRequest,
  RestoreSessionOptions,
  Session,
  SessionEvent,
  SessionJournal,
  SessionSnapshot,
} from "./client/session.js";
export { sessionClient } from "./client/session-client.js";
export { type UnmanagedOptions, type UnmanagedTarget, unmanaged } from "./client/unmanaged.js";
export type { CommitLog, LogEntry, LogSnapshot, LogWaitOptions } from "./commit-log/commit-log.js";
export { openFileLog } from "./commit-log/file-log.js";
export type { FileLogOptions } from "./commit-log/file-log-options.js";
export { AppendError, type AppendOutcome, LogCorrupt, LogTruncated } from "./commit-log/log-errors.js";
export type { LogLimitOptions } from "./commit-log/log-options.js";
export {
  createMemoryLog,
  createMemoryLogStore,
  type MemoryLogOptions,
  type MemoryLogStore,
} from "./commit-log/memory-log.js";
export {
  type AccessTokenCheck,
  type AccessTokenInfo,
  type AccessTokenRecord,
  type AccessTokenRequest,
  AccessTokens,
  type AccessTokensOptions,
} from "./credentials/access-tokens.js";
export type {
  Authenticate,
  Authenticator,
  LoginMethod,
  LoginPeer,
  StillValid,
  User,
} from "./credentials/authenticate.js";
export { type AuthenticatorsByKind, authenticateBy } from "./credentials/authenticate-by.js";
export { type CertificateUsersOptions, certificateUsers } from "./credentials/certificate-users.js";
export {
  type Credentials,
  noCredentials,
  passwordCredentials,
  tokenCredentials,
} from "./credentials/credentials.js";
export type { HashGateOptions } from "./credentials/hash-gate.js";
export {
  type LoginAttempt,
  type LoginClock,
  LoginThrottle,
  type LoginThrottleOptions,
} from "./credentials/login-throttle.js";
export { hashPassword, type PasswordCost, type PasswordHash } from "./credentials/password-hash.js";
export { type PasswordUser, type PasswordUsersOptions, passwordUsers } from "./credentials/password-users.js";
export { Secret } from "./credentials/secret.js";
export { type TokenUsersOptions, tokenUsers } from "./credentials/token-users.js";
export { createSessions, type SessionsOptions } from "./server/create-sessions.js";
export type { ReplicateOptions } from "./server/replicated-services.js";
export type {
  GuardedContext,
  GuardedHandlers,
  ReplicatedContext,
  StateMachine,
} from "./server/session-handlers.js";
export type { SessionCounters } from "./server/session-parts.js";
export type { GuardOptions, Sessions, SessionsSnapshot } from "./server/sessions.js";
export type { SessionsEvent } from "./server/sessions-event.js";
export type { SessionLimitOptions, SessionLimits } from "./session-limits.js";
