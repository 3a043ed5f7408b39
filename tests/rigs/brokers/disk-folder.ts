import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A path for a store, which does not exist yet; it is removed after the tests of a file. */
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
