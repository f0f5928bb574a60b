import {
  type Connection,
  type ConnectOptions,
  certificateIdentity,
  type Identify,
  type Identity,
  type PeerCertificate,
  type Prove,
  type ServerOptions,
  type ServerTlsOptions,
  sharedSecret,
  type TlsOptions,
  trustClaims,
} from "quorate";
import { describe, expectTypeOf, it } from "vitest";

describe("the options of TLS", () => {
  it("of a server need a certificate and its key", () => {
    expectTypeOf<{ cert: string; key: Uint8Array }>().toExtend<ServerTlsOptions>();
    expectTypeOf<{ cert: string }>().not.toExtend<ServerTlsOptions>();
    expectTypeOf<ServerOptions["tls"]>().toEqualTypeOf<ServerTlsOptions | undefined>();
    // @ts-expect-error -- None of the three words.
    const odd: ServerTlsOptions = { cert: "", key: "", clientCertificates: "sometimes" };
    expectTypeOf(odd).toEqualTypeOf<ServerTlsOptions>();
  });

  it("of a client need nothing, and ask nobody for certificates", () => {
    expectTypeOf<{ readonly ca: Buffer }>().toExtend<TlsOptions>();
    expectTypeOf<ConnectOptions["tls"]>().toEqualTypeOf<TlsOptions | undefined>();
    // @ts-expect-error -- Servers ask.
    const asks: TlsOptions = { clientCertificates: "required" };
    expectTypeOf(asks).toEqualTypeOf<TlsOptions>();
  });
});

describe("the hooks of identity", () => {
  it("are what the options take", () => {
    expectTypeOf(trustClaims).returns.toEqualTypeOf<Identify>();
    expectTypeOf(certificateIdentity).returns.toEqualTypeOf<Identify>();
    const both = sharedSecret("0123456789abcdef");
    expectTypeOf(both).toExtend<Pick<ServerOptions, "identify" | "prove">>();
    expectTypeOf<ConnectOptions["prove"]>().toEqualTypeOf<Prove | undefined>();
    // @ts-expect-error -- A client decides about nobody.
    const client: ConnectOptions = { nodes: ["127.0.0.1:1"], identify: trustClaims() };
    expectTypeOf(client).toEqualTypeOf<ConnectOptions>();
  });

  it("answer at once or later, and never with nothing", () => {
    expectTypeOf<() => Identity>().toExtend<Identify>();
    expectTypeOf<() => Promise<Identity>>().toExtend<Identify>();
    expectTypeOf<() => { nodeId: number }>().toExtend<Identify>();
    expectTypeOf<() => boolean>().not.toExtend<Identify>();
    expectTypeOf<() => undefined>().not.toExtend<Identify>();
  });

  it("tell handlers who called", () => {
    expectTypeOf<Connection["identity"]["nodeId"]>().toEqualTypeOf<number | undefined>();
    expectTypeOf<NonNullable<Connection["tls"]>["certificate"]>().toEqualTypeOf<
      PeerCertificate | undefined
    >();
  });
});
