import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { messageTooLarge } from "../../../internal/stream/message-size.js";
import { outsideScopes } from "../../../internal/util/async-scope.js";
import type { Configuration } from "../../configuration/configuration.js";
import { createClientSession } from "./client-session.js";
import { RecoveredCall } from "./recovered-call.js";
import { ServerChoice } from "./server-choice.js";
import type { Session } from "./session.js";
import type { SessionSettings } from "./session-options.js";
import { sizeInEnvelope } from "./session-requests.js";
import type { SessionState } from "./session-state.js";

/** Registers a session that is new or was restored, and resolves once it is open. */
export async function startSession(
  configuration: Configuration,
  client: string,
  state: SessionState,
  settings: SessionSettings,
): Promise<Session> {
  const { prefer, ...rest } = settings;
  const servers = new ServerChoice(configuration, prefer);
  const [node] = servers.nodes;
  if (node === undefined) throw new QuorateError(Code.FailedPrecondition, "quorate: there is no server");
  const maxMessageBytes = Math.min(...servers.nodes.map((one) => one.settings.maxMessageBytes));
  const recovered = state.unanswered().map((request) => new RecoveredCall(request));
  for (const size of recovered.map(sizeInEnvelope)) {
    if (size > maxMessageBytes) throw messageTooLarge("request", size, maxMessageBytes);
  }
  const session = outsideScopes(createClientSession, {
    ...rest,
    client,
    node,
    state,
    servers,
    maxMessageBytes,
    recovered,
  });
  await session.whenOpen(settings);
  return session;
}
