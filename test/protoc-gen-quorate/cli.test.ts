import { execFile } from "node:child_process";
import { access, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { protoFolder, root, tool } from "./compile-protos.js";

const run = promisify(execFile);
const cli = join(root, "protoc-gen-quorate/src/cli.ts");

const template = JSON.stringify({
  version: "v2",
  inputs: [{ directory: "." }],
  plugins: [
    {
      local: tool("protoc-gen-es"),
      out: "gen",
      strategy: "all",
      opt: ["target=ts", "erasable_syntax=true", "import_extension=js"],
    },
    { local: [tool("tsx"), cli], out: "gen", strategy: "all", opt: ["target=ts", "import_extension=js"] },
  ],
});

const register = `edition = "2024";
package register.v1;
import "google/protobuf/empty.proto";
import "google/protobuf/wrappers.proto";
import "gorums.proto";
import "messages/v1/messages.proto";
service Register {
  rpc Plain(messages.v1.Key) returns (messages.v1.Key);
  rpc Read(google.protobuf.Empty) returns (google.protobuf.StringValue) { option (gorums.quorumcall) = true; }
  rpc Watch(messages.v1.Key) returns (stream messages.v1.Key) { option (gorums.quorumcall) = true; }
  rpc Tell(messages.v1.Key) returns (google.protobuf.Empty) { option (gorums.unicast) = true; }
  rpc TellAll(messages.v1.Key) returns (google.protobuf.Empty) { option (gorums.multicast) = true; }
}
service Idle {}
`;

// Names of types of Go's generated code, and of what ours imports.
const names = `edition = "2024";
package names.v1;
import "gorums.proto";
message Configuration {}
message Node {}
message NodeContext {}
message ConfigContext {}
message QuorateService {}
service Names {
  rpc Get(Configuration) returns (Node) { option (gorums.quorumcall) = true; }
  rpc Put(NodeContext) returns (ConfigContext);
  rpc Make(QuorateService) returns (Node);
}
`;

// Stands for the library, so that this shows what the generator writes and nothing else.
const runtime = `import type { DescService } from "@bufbuild/protobuf";
type CallType = "rpc" | "unicast" | "multicast" | "quorumCall" | "correctable";
type CallTypes<D extends DescService> = { readonly [K in keyof D["method"]]: CallType };
export interface QuorateService<D extends DescService, C extends CallTypes<D>> {
  readonly descriptor: D;
  readonly callTypes: C;
}
export function defineService<D extends DescService, const C extends CallTypes<D>>(
  descriptor: D,
  callTypes: C,
): QuorateService<D, C> {
  return { descriptor, callTypes };
}
`;

describe("the command protoc-gen-quorate", () => {
  it("[CG-15] prints its version", async () => {
    const manifest: unknown = JSON.parse(
      await readFile(join(root, "protoc-gen-quorate/package.json"), "utf8"),
    );
    const { stdout } = await run(tool("tsx"), [cli, "--version"]);
    expect(manifest).toMatchObject({ version: stdout.replace("protoc-gen-quorate v", "").trim() });
  });

  it("[CG-15] prints how it is used", async () => {
    const { stdout, stderr } = await run(tool("tsx"), [cli, "--help"]);
    expect(stdout).toMatch(/^protoc-gen-quorate writes the service tables of quorate from \.proto files\.\n/);
    expect(stderr).toBe("");
  });

  it("[CG-03] writes code that compiles, for messages of other packages too", {
    timeout: 60_000,
  }, async () => {
    expect(await compiled(runtime)).toBe("");
  });

  it("[W-32] reserves no names: what it writes declares none but those of the services", {
    timeout: 60_000,
  }, async () => {
    expect(await compiled(runtime, { "names/v1/names.proto": names })).toBe("");
  });

  it("[CG-14] writes code that does not compile against a library that is too old for it", {
    timeout: 60_000,
  }, async () => {
    // It does not know correctables, of which the service Register has one.
    const output = await compiled(runtime.replace(' | "correctable"', ""));
    expect(output).toMatch(/register_quorate\.ts\(\d+,\d+\): error TS\d+: [^]*"correctable"/);
  });

  it("fails the compiler with the list of problems, and writes nothing", { timeout: 60_000 }, async () => {
    const watch = "rpc Watch(Message) returns (stream Message);";
    await using folder = await protoFolder({
      "bad.proto": `syntax = "proto3";\nmessage Message {}\nservice Bad { ${watch}\n  rpc Chat(stream Message) returns (stream Message); }\n`,
      "buf.gen.yaml": template,
    });
    const failure = run(tool("buf"), ["generate"], { cwd: folder.path });
    await expect(failure).rejects.toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(
        /\nbad\.proto:3:15: Bad\.Watch: only a quorum call .+\nbad\.proto:4:3: Bad\.Chat: streams in both .+\n$/,
      ),
    });
    await expect(access(join(folder.path, "gen"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  /** What the TypeScript compiler says to what is generated, with this library. */
  async function compiled(library: string, protos: Readonly<Record<string, string>> = {}): Promise<string> {
    await using folder = await protoFolder({
      "register/v1/register.proto": register,
      "messages/v1/messages.proto": 'edition = "2023"; package messages.v1; message Key { string key = 1; }',
      ...protos,
      "buf.gen.yaml": template,
      "quorate.ts": library,
      "package.json": '{ "type": "module" }',
    });
    await run(tool("buf"), ["generate"], { cwd: folder.path });
    await symlink(join(root, "node_modules"), join(folder.path, "node_modules"), "junction");
    await writeFile(
      join(folder.path, "tsconfig.json"),
      JSON.stringify({
        extends: join(root, "tsconfig.base.json"),
        compilerOptions: { noEmit: true, paths: { quorate: ["./quorate.ts"] } },
        include: ["gen", "quorate.ts"],
      }),
    );
    for (const proto of ["register/v1/register.proto", ...Object.keys(protos)]) {
      await access(join(folder.path, "gen", proto.replace(/\.proto$/, "_quorate.ts")));
    }
    const { stdout } = await run(tool("tsc"), ["-p", folder.path]).catch(
      (error: unknown) => error as { stdout: string },
    );
    return stdout;
  }
});
