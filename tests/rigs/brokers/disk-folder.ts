import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder for a store, which is not there yet, in one that goes with the tests of a file. */
export class DataFolder {
  static readonly #all = new Set<string>();

  readonly path: string;

  constructor() {
    const parent = mkdtempSync(join(tmpdir(), "longwire-disk-"));
    DataFolder.#all.add(parent);
    this.path = join(parent, "data");
  }

  static removeAll(): void {
    for (const parent of DataFolder.#all) rmSync(parent, { recursive: true, force: true });
    DataFolder.#all.clear();
  }
}
