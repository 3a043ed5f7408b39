import { writeFileSync } from "node:fs";
import asc from "assemblyscript/asc";

const target = process.argv[2];
const binary = await compile();
writeFileSync(
  target,
  `/** WebAssembly as base64, made of tools/deflate-kernel by the build. */
export const KERNEL_BYTES: string = "${Buffer.from(binary).toString("base64")}";
`,
);

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
