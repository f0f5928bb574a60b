import { createServer } from "../../../src/server/create-server.js";
import { defineService } from "../../../src/service/quorate-service.js";
import { createSessions, type SessionsOptions } from "../../../src/sessions/server/create-sessions.js";
import type { GuardedHandlers } from "../../../src/sessions/server/session-handlers.js";
import type { Sessions } from "../../../src/sessions/server/sessions.js";
import type { SessionsEvent } from "../../../src/sessions/server/sessions-event.js";
import { Payments as PaymentsDescriptor } from "../../gen/payments/v1/payments_pb.js";
import type { Payments as PaymentsService } from "../../gen/payments/v1/payments_quorate.js";
import { Register as RegisterDescriptor } from "../../gen/register/v1/register_pb.js";
import { TestRegister } from "../server/register-service.js";

// Not the generated ones, which import the built package where they run in a process of their own.
const Register = defineService(RegisterDescriptor, {
  read: "rpc",
  write: "rpc",
  append: "rpc",
  compareAndSet: "rpc",
});
const Payments = defineService(PaymentsDescriptor, { pay: "rpc", paid: "rpc" });

/** What a test chooses of its server. */
export interface RegisterServerOptions extends SessionsOptions {
  /** The guarded handler; by default it answers `paid <text>`. */
  readonly pay?: GuardedHandlers<typeof PaymentsService>["pay"];
}

/** A server on a port of its own: Register is replicated, Payments is guarded. */
export interface RegisterServer extends AsyncDisposable {
  readonly address: string;
  readonly sessions: Sessions;
  readonly register: TestRegister;
  readonly events: readonly SessionsEvent[];
  close(): Promise<void>;
}

/** Starts a server; it closes its log. */
export async function startRegisterServer(options: RegisterServerOptions): Promise<RegisterServer> {
  const { pay = ({ text }) => ({ text: `paid ${text}` }), onEvent, ...rest } = options;
  const register = new TestRegister();
  const events: SessionsEvent[] = [];
  const sessions = createSessions({
    ...rest,
    onEvent: (event) => {
      events.push(event);
      onEvent?.(event);
    },
  });
  sessions.replicate(Register, register, {
    snapshot: () => register.snapshot(),
    restore: (bytes) => register.restore(bytes),
  });
  sessions.guard(Payments, { pay, paid: () => ({ text: "all" }) });
  const server = await createServer({ address: "127.0.0.1:0", extensions: [sessions] });
  const close = () => server.close({ graceMs: 0 });
  return { address: server.address, sessions, register, events, close, [Symbol.asyncDispose]: close };
}
