import type { Handlers } from "quorate";
import type { Callback, Test } from "../gen/test/v1/test_quorate.js";

/** Handlers of the service Test that echo, each naming its server; the correctable one three times. */
export function echoHandlers(server = 0): Handlers<typeof Test> {
  const echo = ({ value, data }: { value: string; data: Uint8Array }) => ({
    value: `echo: ${value}`,
    data,
    server,
  });
  return {
    echoRPC: echo,
    echoPlain: echo,
    echoUnicast: () => {},
    echoMulticast: () => {},
    echoQC: echo,
    async *echoCorrectable({ value }) {
      for (let at = 1; at <= 3; at++) yield { value: `echo: ${value}-${at}`, server };
    },
  };
}

/** Handlers of the service Callback, which clients serve, that answer `asked: <value>`. */
export function callbackHandlers(notified: (number: number) => void = () => {}): Handlers<typeof Callback> {
  const ask = ({ value }: { value: string }) => ({ value: `asked: ${value}` });
  return {
    ask,
    askAll: ask,
    notify: ({ number }) => notified(number),
    notifyOne: ({ number }) => notified(number),
  };
}
