import {
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from "node:crypto";
import { SocketAddress } from "node:net";

/** A certificate and its private key, both in PEM. */
export interface KeyAndCertificate {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate says. */
export interface CertificateContents {
  readonly commonName?: string;
  /** Subject alternative names: `IP:127.0.0.1`, `DNS:localhost`, `URI:quorate://node/1`. */
  readonly names?: readonly string[];
  /** Milliseconds from now until it expires; negative for one that has expired. Default: an hour. */
  readonly validMs?: number;
}

/** An authority of its own, whose certificates nobody else trusts. */
export interface CertificateAuthority {
  /** Its own certificate, in PEM. */
  readonly ca: string;
  issue(contents?: CertificateContents): KeyAndCertificate;
}

/** Makes an authority. All keys are of P-256, made for the occasion, and never leave the process. */
export function createAuthority(commonName = "test authority"): CertificateAuthority {
  const issuer = { commonName, key: newKey() };
  return {
    ca: certificate(issuer, issuer, [authorityExtension], hourMs),
    issue: ({ commonName: name = "leaf", names = [], validMs = hourMs } = {}) => {
      const subject = { commonName: name, key: newKey() };
      const cert = certificate(subject, issuer, names.length === 0 ? [] : [namesExtension(names)], validMs);
      return { cert, key: subject.key.export({ type: "pkcs8", format: "pem" }).toString() };
    },
  };
}

/** The certificate of a replica on this host: for 127.0.0.1 and `localhost`, and for a node id. */
export function issueReplica(authority: CertificateAuthority, id: number): KeyAndCertificate {
  const names = ["IP:127.0.0.1", "DNS:localhost", `URI:quorate://node/${id}`];
  return authority.issue({ commonName: `replica ${id}`, names });
}

/** The SHA-256 fingerprint of a certificate. */
export function fingerprintOf({ cert }: KeyAndCertificate): string {
  return new X509Certificate(cert).fingerprint256;
}

interface Party {
  readonly commonName: string;
  readonly key: KeyObject;
}

const hourMs = 3_600_000;

function newKey(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}

/** A certificate of version 3, signed with SHA-256. RFC 5280, section 4.1. */
function certificate(subject: Party, issuer: Party, extensions: readonly Buffer[], validMs: number): string {
  const notAfter = Date.now() + validMs;
  const body = sequence(
    tagged(0xa0, tagged(0x02, Buffer.from([2]))),
    tagged(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    distinguishedName(issuer.commonName),
    sequence(utcTime(Math.min(notAfter, Date.now()) - hourMs), utcTime(notAfter)),
    distinguishedName(subject.commonName),
    createPublicKey(subject.key).export({ type: "spki", format: "der" }),
    ...(extensions.length === 0 ? [] : [tagged(0xa3, sequence(...extensions))]),
  );
  const signature = sign("sha256", body, issuer.key);
  const bytes = sequence(body, ecdsaWithSha256, tagged(0x03, Buffer.from([0]), signature));
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

/** One element of DER: its tag, the length, and what it holds. */
function tagged(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, ...parts);
}

/** The identifier, as it is encoded. */
function objectId(hex: string): Buffer {
  return tagged(0x06, Buffer.from(hex, "hex"));
}

const ecdsaWithSha256 = sequence(objectId("2a8648ce3d040302"));

function distinguishedName(commonName: string): Buffer {
  return sequence(tagged(0x31, sequence(objectId("550403"), tagged(0x0c, Buffer.from(commonName)))));
}

function utcTime(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/\D/g, "");
  return tagged(0x17, Buffer.from(`${digits.slice(2, 14)}Z`));
}

/** Basic constraints: it may sign others. */
const authorityExtension = sequence(
  objectId("551d13"),
  tagged(0x01, Buffer.from([0xff])),
  tagged(0x04, sequence(tagged(0x01, Buffer.from([0xff])))),
);

function namesExtension(names: readonly string[]): Buffer {
  return sequence(objectId("551d11"), tagged(0x04, sequence(...names.map(alternativeName))));
}

function alternativeName(name: string): Buffer {
  const at = name.indexOf(":");
  const kind = name.slice(0, at);
  const value = name.slice(at + 1);
  if (kind === "IP") return tagged(0x87, addressBytes(value));
  return tagged(kind === "DNS" ? 0x82 : 0x86, Buffer.from(value));
}

function addressBytes(address: string): Buffer {
  if (!address.includes(":")) return Buffer.from(address.split(".").map(Number));
  const spelled = new SocketAddress({ address, family: "ipv6" }).address;
  const [before = "", after] = spelled.split("::");
  const groups = (text: string) => text.split(":").filter((group) => group !== "");
  const [head, tail] = [groups(before), groups(after ?? "")];
  const all = [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => "0"), ...tail];
  return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex");
}
