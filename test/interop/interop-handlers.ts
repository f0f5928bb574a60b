import { type Code, createClient, type HandlerContext, type Handlers, QuorateError } from "quorate";
import { Interop } from "../gen/interop/v1/interop_quorate.js";

/** The TypeScript side of what `test/interop/go/service.go` serves. */
export function interopHandlers(node = 0): Handlers<typeof Interop> {
  const numbers: number[] = [];
  const put = ({ number }: { number: number }) => numbers.push(number);
  const echo = ({ text, replyBytes }: { text: string; replyBytes: number }, context: HandlerContext) => ({
    text: `ts: ${text}`,
    node,
    data: new Uint8Array(replyBytes),
    metadata: [...context.metadata]
      .filter(([key]) => key.startsWith("x-"))
      .map(([key, value]) => ({ key, value })),
  });
  return {
    echo,
    read: echo,
    fail: ({ code, text, wrappedBy }) => {
      const cause = code === 0 ? new Error(text) : new QuorateError(code as Code, text);
      throw wrappedBy === "" ? cause : new Error(`${wrappedBy}: ${text}`, { cause });
    },
    put,
    putAll: put,
    taken: () => ({ numbers }),
    async *updates(request, context) {
      for (let number = 1; number <= request.replies; number++) {
        const reply = echo(request, context);
        yield { ...reply, text: `${reply.text} ${number}` };
      }
    },
    askClients: async ({ text }, { clients }) => ({
      asked: clients.size,
      replies: await createClient(Interop, clients)
        .read({ text })
        .all((replies) => [...replies]),
    }),
    askPeers: async ({ text }, { peers }) => ({
      asked: peers.size,
      replies: await createClient(Interop, peers)
        .read({ text })
        .majority((replies) => [...replies]),
    }),
  };
}

/** Registers {@link interopHandlers}. */
export const interopRoutes =
  (node?: number) =>
  (router: { service(service: typeof Interop, handlers: Handlers<typeof Interop>): unknown }): unknown =>
    router.service(Interop, interopHandlers(node));
