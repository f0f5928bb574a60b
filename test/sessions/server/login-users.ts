import { createMemoryTransport, type MemoryTransport } from "quorate/testing";
import type { RawCredentials, RawSessionClient } from "./raw-session-client.js";

/** A login with a password. */
export function byPassword(user: string, password: string): RawCredentials {
  return { case: "password", value: { user, password } };
}

/** A login with a token. */
export function byToken(token: string): RawCredentials {
  return { case: "accessToken", value: token };
}

/** A login without credentials. */
export const byNothing: RawCredentials = { case: undefined };

/** A network in memory on which all peers of servers are on another host. */
export function remoteNetwork(remoteAddress = "203.0.113.9:5000"): MemoryTransport {
  const network = createMemoryTransport();
  return {
    ...network,
    listen: async (address, options) => {
      const listener = await network.listen(address, options);
      return {
        ...listener,
        address: listener.address,
        accept: (accepted) => listener.accept((stream) => accepted({ ...stream, remoteAddress })),
        stop: () => listener.stop(),
        destroy: () => listener.destroy(),
      };
    },
  };
}

/** The reason of what a login is refused with; undefined for one that is let in. */
export async function loginReason(
  client: RawSessionClient,
  credentials: RawCredentials,
): Promise<string | undefined> {
  const { error } = await client.login(credentials);
  return error?.reason;
}
