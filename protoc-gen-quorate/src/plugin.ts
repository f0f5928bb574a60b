import { readFileSync } from "node:fs";
import { create, maximumEdition, minimumEdition } from "@bufbuild/protobuf";
import {
  type CodeGeneratorResponse,
  CodeGeneratorResponse_Feature,
  CodeGeneratorResponseSchema,
} from "@bufbuild/protobuf/wkt";
import { createEcmaScriptPlugin, type Plugin, type Schema } from "@bufbuild/protoplugin";
import { GenerationError } from "./generation-error.js";
import { printService } from "./print-service.js";
import { withReadableAliases } from "./readable-aliases.js";
import { serviceTables } from "./service-table.js";

const generator = createEcmaScriptPlugin({
  name: "protoc-gen-quorate",
  version: `v${packageVersion()}`,
  generateTs,
});

/** Writes `<name>_quorate.ts` for each .proto file that has a service: one literal table per service. */
export const plugin: Plugin = {
  name: generator.name,
  version: generator.version,
  run(request) {
    try {
      return readable(generator.run(request));
    } catch (error) {
      if (error instanceof GenerationError) return refusal(error);
      throw error;
    }
  },
};

function generateTs(schema: Schema): void {
  const tables = serviceTables(schema.files.flatMap((file) => file.services));
  for (const source of schema.files) {
    // Made without services too, for `keep_empty_files`; without that option an empty file is left out.
    const file = schema.generateFile(`${source.name}_quorate.ts`);
    const own = tables.filter(({ service }) => service.file === source);
    if (own.length > 0) file.preamble(source);
    own.forEach((table, index) => {
      if (index > 0) file.print();
      printService(file, table);
    });
  }
}

function readable(response: CodeGeneratorResponse): CodeGeneratorResponse {
  for (const file of response.file) file.content = withReadableAliases(file.content);
  return response;
}

// protoc and buf print the error and fail. The plugin itself must exit 0 then, or protoc discards the text.
function refusal(error: GenerationError): CodeGeneratorResponse {
  return create(CodeGeneratorResponseSchema, {
    error: `these methods cannot be generated:\n${error.message}`,
    supportedFeatures: BigInt(
      CodeGeneratorResponse_Feature.PROTO3_OPTIONAL | CodeGeneratorResponse_Feature.SUPPORTS_EDITIONS,
    ),
    minimumEdition,
    maximumEdition,
  });
}

function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  if (typeof manifest === "object" && manifest !== null && "version" in manifest)
    return String(manifest.version);
  throw new Error("package.json of protoc-gen-quorate has no version");
}
