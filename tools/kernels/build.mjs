import { writeFileSync } from "node:fs";
import asc from "assemblyscript/asc";

const [target] = process.argv.slice(2);

// All that it has is static: 115 KiB.
const deflate = await compile("deflate/deflate.ts", { pages: 2 });
// Its memory is what is read into from the network.
const mask = await compile("mask.ts", { pages: 1, features: ["--enable", "simd"] });

writeFileSync(
  target,
  `// WebAssembly as base64, made of tools/kernels by the build.

export const DEFLATE_KERNEL: string = "${deflate}";

export const MASK_KERNEL: string = "${mask}";
`,
);

async function compile(source, { pages, features = [] }) {
  let binary;
  const { error, stderr } = await asc.main(
    [
      ...[source, "--outFile", "kernel.wasm", "--optimizeLevel", "3", "--noAssert"],
      ...["--baseDir", new URL("assembly", import.meta.url).pathname],
      ...["--runtime", "stub", "--initialMemory", `${pages}`, "--maximumMemory", `${pages}`],
      ...features,
    ],
    { writeFile: (_, contents) => void (binary = contents) },
  );
  if (error) throw new Error(stderr.toString(), { cause: error });
  return Buffer.from(binary).toString("base64");
}
