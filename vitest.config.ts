import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

export default defineConfig({
  resolve: {
    // The tests see the sources where a user sees the built package.
    alias: [
      { find: /^quorate$/, replacement: path("src/index.ts") },
      { find: /^quorate\/context$/, replacement: path("src/context/index.ts") },
      { find: /^quorate\/sessions\/etcd$/, replacement: path("src/sessions/commit-log/etcd/index.ts") },
      { find: /^quorate\/sessions$/, replacement: path("src/sessions/index.ts") },
      { find: /^quorate\/testing$/, replacement: path("src/testing/index.ts") },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "test/package/fixture/**"],
    pool: "forks",
    // A third process would only take time from tests that measure it.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    teardownTimeout: 10_000,
    typecheck: {
      enabled: true,
      include: ["test/types/**/*.test-d.ts"],
      // Errors elsewhere are found by the build and by `npm run check`; here they would only hide the tests.
      ignoreSourceErrors: true,
    },
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts", "internal/**/*.ts", "protoc-gen-quorate/src/**/*.ts"],
      exclude: ["**/gen/**"],
      reporter: ["text-summary", "html", "lcovonly"],
      reportsDirectory: "coverage",
      reportOnFailure: true,
    },
  },
});
