import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkLeaks } from "../helpers/leaks.js";
import { documentFiles } from "./document-files.js";
import { readDocuments } from "./documents.js";
import { tryDocuments, type UserProject } from "./user-project.js";

checkLeaks();

const documents = readDocuments().map(documentFiles);
const programs = documents.flatMap(({ document, programs: all }) =>
  all.map((program) => ({ document, program, place: program.block.place })),
);
const excerpts = documents.flatMap(({ document, excerpts: all }) =>
  all.map((block) => ({ document, block, place: block.place })),
);

let project: UserProject;
beforeAll(async () => {
  project = await tryDocuments(documents);
}, 120_000);
afterAll(() => project[Symbol.asyncDispose]());

describe("the documents", () => {
  it.each(documents.filter(({ generates }) => generates))(
    "$document: buf generates from its .proto and .yaml blocks, and the code compiles",
    ({ document }) => {
      expect(project.generated.get(document)).toMatchObject({ exit: 0, stderr: "" });
      expect(project.generatedTexts.get(document)?.length).toBeGreaterThanOrEqual(2);
      expect(project.problems(document).filter((line) => /\bgen\//.test(line))).toEqual([]);
    },
  );

  it.each(excerpts)("$place: the generated code is as it is shown", ({ document, block }) => {
    const texts = project.generatedTexts.get(document) ?? [];
    // The first is what a failure is compared with.
    const shown = block.text.trim();
    const fitting = texts.find((text) => text.includes(shown));
    expect(fitting ?? texts.filter((text) => text.includes("defineService")).join()).toContain(shown);
  });

  it.each(programs)("$place: the program does what the document says", ({ document, program }) => {
    expect(project.problems(document, program.file)).toEqual([]);
    if (program.block.flags.includes("no-run")) return;
    const { prints } = program.block;
    const result = project.result(program);
    expect(result, result?.stderr).toMatchObject(
      prints === undefined ? { exit: 0 } : { exit: 0, stdout: prints },
    );
  });
});
