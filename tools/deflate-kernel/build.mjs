#!/usr/bin/env node
import { readFileSync, writeFileSync } from "node:fs";
import asc from "assemblyscript/asc";

const target = new URL("../../src/node/deflate/deflate-kernel-bytes.ts", import.meta.url);

const binary = await compile();
const text = `/** Compiled from tools/deflate-kernel by its \`npm run build\`: WebAssembly, as base64. */
export const KERNEL_BYTES: string =
  "${Buffer.from(binary).toString("base64")}";
`;

if (!process.argv.includes("--check")) {
  writeFileSync(target, text);
  console.log(`${binary.length} bytes`);
} else if (readFileSync(target, "utf8") !== text) {
  console.log("The kernel is not its source's; run npm run build in tools/deflate-kernel.");
  process.exitCode = 1;
}

async function compile() {
  let compiled;
  const { error, stderr } = await asc.main(
    [
      ...["deflate.ts", "--outFile", "deflate.wasm", "--optimizeLevel", "3", "--noAssert"],
      ...["--baseDir", new URL("assembly", import.meta.url).pathname],
      // All that it has is static: 115 KiB.
      ...["--runtime", "stub", "--initialMemory", "2", "--maximumMemory", "2"],
    ],
    { writeFile: (_, contents) => void (compiled = contents) },
  );
  if (error) throw new Error(stderr.toString(), { cause: error });
  return compiled;
}
