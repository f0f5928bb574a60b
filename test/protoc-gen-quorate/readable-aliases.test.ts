import { describe, expect, it } from "vitest";
import { withReadableAliases } from "../../protoc-gen-quorate/src/readable-aliases.js";

describe("withReadableAliases", () => {
  it("names an alias after the service that it stands for, wherever it is used", () => {
    expect(
      withReadableAliases(
        'import { Storage as Storage$1 } from "./s.js";\nexport const Storage = f(Storage$1);',
      ),
    ).toBe('import { Storage as StorageService } from "./s.js";\nexport const Storage = f(StorageService);');
  });

  it("renames several aliases of one import", () => {
    expect(withReadableAliases('import { A as A$1, MyA as MyA$1 } from "./s.js";\nf(A$1, MyA$1);')).toBe(
      'import { A as AService, MyA as MyAService } from "./s.js";\nf(AService, MyAService);',
    );
  });

  it("keeps an alias whose better name is in use", () => {
    const content = 'import { A as A$1 } from "./s.js";\nexport const AService = f(A$1);';
    expect(withReadableAliases(content)).toBe(content);
  });

  it("leaves comments as their author wrote them", () => {
    const comment = "/**\n * A$1 is a price.\n */\n// A$1\n";
    expect(withReadableAliases(`${comment}import { A as A$1 } from "./s.js";`)).toBe(
      `${comment}import { A as AService } from "./s.js";`,
    );
  });

  it("leaves a file without aliases as it is", () => {
    const content = 'import { f } from "quorate";\nf("as A$1");';
    expect(withReadableAliases(content)).toBe(content);
  });
});
