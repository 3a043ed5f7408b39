import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { expect, onTestFinished, test } from "vitest";

const entry = fileURLToPath(new URL("../../../src/live/client/index.ts", import.meta.url));

test("the entry is at most 8,000 bytes, minified and gzipped, and has no dependencies", async () => {
  const outDir = await mkdtemp(join(tmpdir(), "longwire-live-client-"));
  onTestFinished(() => rm(outDir, { recursive: true }));
  await build({
    configFile: false,
    logLevel: "silent",
    build: {
      outDir,
      lib: { entry, formats: ["es"], fileName: () => "client.js" },
      // As an application is built; for a library white space would be kept.
      rolldownOptions: { output: { minify: true, comments: false } },
    },
  });
  const bundle = await readFile(join(outDir, "client.js"));
  const size = gzipSync(bundle, { level: 9 }).length;
  expect(size, `${size} bytes gzipped, ${bundle.length} minified`).toBeLessThanOrEqual(8_000);
  expect(bundle.toString()).not.toMatch(/\bimport\b|\brequire\(|\bBuffer\b|node:/);
});
