import { readFile } from "node:fs/promises";

/** The file in which Linux identifies the current boot. */
const BOOT_ID = "/proc/sys/kernel/random/boot_id";

/** Returns an id that changes only when the machine restarts; `""` if it is unknown. */
export async function bootId(): Promise<string> {
  return (await readFile(BOOT_ID, "utf8").catch(() => "")).trim();
}
