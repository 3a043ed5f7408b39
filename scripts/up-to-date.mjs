import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Runs `step` unless it ran before with the same content of `inputs`, as far as `.cache` knows. */
export function once(name, inputs, step) {
  const stamp = join(".cache", name);
  const present = digestOf(inputs);
  if (read(stamp) === present) return;
  step();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, present);
}

function digestOf(inputs) {
  const hash = createHash("sha256");
  for (const path of inputs.flatMap(filesIn)) hash.update(path).update(readFileSync(path));
  return hash.digest("hex");
}

function filesIn(path) {
  const entry = statSync(path, { throwIfNoEntry: false });
  if (entry === undefined) return [];
  if (!entry.isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => name !== "dist" && name !== "node_modules")
    .sort()
    .flatMap((name) => filesIn(join(path, name)));
}

function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
