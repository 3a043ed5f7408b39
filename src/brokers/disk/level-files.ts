import { readdir } from "node:fs/promises";
import { LongwireError } from "../../base/index.ts";

/** What LevelDB writes records to. A folder that has none of it holds nothing that could be lost. */
const RECORDS = /^\d+\.(log|ldb|sst)$/;

/**
 * Checks that LevelDB does not take a folder for an empty one: where the file `CURRENT` is missing
 * it makes a new store, and deletes the files of the old one.
 *
 * @throws LongwireError `store_corrupt` as a rejection; nothing has been touched then
 */
export async function requireCurrent(folder: string): Promise<void> {
  // A folder that is not there, or cannot be read, LevelDB sees for itself.
  const names: string[] = await readdir(folder).catch(() => []);
  const records = names.filter((name) => RECORDS.test(name));
  if (records.length === 0 || names.includes("CURRENT")) return;
  const message = `The folder ${folder} holds a damaged store (${records[0]} is there and CURRENT is not); put back a copy of it, or move it away to start empty.`;
  throw new LongwireError("store_corrupt", message);
}
