import { readdir, stat } from "node:fs/promises";
import { LongwireError } from "../../base/index.ts";

/** The files with LevelDB's records. A folder without any has nothing to lose. */
const RECORDS = /^\d+\.(log|ldb|sst)$/;

/**
 * Checks that LevelDB will not mistake a damaged store for an empty folder: without the file
 * `CURRENT`, it creates a new store and deletes the files of the old one.
 *
 * @throws LongwireError `store_corrupt` as a rejection, before anything is touched; or an error of
 *   the file system, because a folder that cannot be read is not known to be empty
 */
export async function requireCurrent(folder: string): Promise<void> {
  const names = await namesIn(folder);
  const records = names.filter((name) => RECORDS.test(name));
  if (records.length === 0 || names.includes("CURRENT") || (await hasCurrent(folder))) return;
  const message = `The folder ${folder} contains a damaged store (${records[0]} exists and CURRENT does not); restore a backup, or move the folder away to start empty.`;
  throw new LongwireError("store_corrupt", message);
}

/** A listing may miss a file that is replaced while it is read; a lookup does not. */
async function hasCurrent(folder: string): Promise<boolean> {
  try {
    await stat(`${folder}/CURRENT`);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    // LevelDB creates it.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
