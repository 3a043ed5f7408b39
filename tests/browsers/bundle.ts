import { join } from "node:path";
import { build, type Rolldown } from "vite";

/** A file of this folder and all that it imports, as one classic script. */
export async function bundle(file: string): Promise<string> {
  const lib = {
    entry: join(import.meta.dirname, file),
    formats: ["iife" as const],
    name: "script",
  };
  const built = await build({ configFile: false, logLevel: "error", build: { lib, write: false } });
  const [{ output }] = built as [Rolldown.RolldownOutput];
  return output[0].code;
}
