import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeAll, beforeEach } from "vitest";
import { killLeftPeers, type PeerProcess, type PeerSetup, startPeer } from "./peer-process.js";

const script = fileURLToPath(new URL("../../scripts/build-go-peer.mjs", import.meta.url));

/** What scripts/build-go-peer.mjs says: where the peer is, or why there is none. */
interface Built {
  readonly path?: string;
  readonly missing?: "toolchain" | "modules";
  readonly reason?: string;
}

/** The first build compiles grpc-go and all else that it needs. */
const buildMs = 600_000;

/**
 * For the tests of a file: builds the Go peer before them, and returns what starts one. Where Go or its modules are
 * not to be had the tests are skipped, and say so. With `go` in QUORATE_REQUIRE a missing toolchain fails them, with
 * `gorums` missing modules, too.
 */
export function useGoPeers(): (setup: PeerSetup) => Promise<PeerProcess> {
  let built: Built = {};
  beforeAll(async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [script]);
    built = JSON.parse(stdout);
    if (built.path !== undefined) return;
    const text = `the tests with Go peers cannot run: ${built.reason}`;
    const required = process.env["QUORATE_REQUIRE"]?.split(",") ?? [];
    if (required.includes("gorums") || (required.includes("go") && built.missing === "toolchain")) {
      throw new Error(text);
    }
    console.warn(text);
  }, buildMs);
  beforeEach(({ skip }) => {
    skip(built.path === undefined, built.reason);
  });
  afterEach(killLeftPeers);
  return (setup) => startPeer(built.path ?? "", setup);
}

/** A Go server on a free port. */
export const goServer: PeerSetup = { role: "server", address: "127.0.0.1:0" };
