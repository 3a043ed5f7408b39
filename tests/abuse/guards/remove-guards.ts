import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FIXTURE } from "../servers.ts";
import { withoutGuard, type Guard } from "./guard.ts";

/** Below the package's folder, so that dependencies are found. */
const COPY = ".cache/unguarded";
/** The files that a server runs from; the monitor finds this package through `package.json`. */
const COPIED = ["dist", "demo/dist", FIXTURE, "package.json"];

/**
 * Copies the built code and takes guards out of the copy.
 *
 * @returns the copy's folder
 * @throws Error if one cannot be taken out
 */
export function copyWithoutGuards(guards: readonly Guard[]): string {
  rmSync(COPY, { recursive: true, force: true });
  for (const path of COPIED) cpSync(path, join(COPY, path), { recursive: true });
  for (const guard of guards) {
    const file = join(COPY, guard.file);
    writeFileSync(file, withoutGuard(readFileSync(file, "utf8"), guard));
  }
  return COPY;
}
