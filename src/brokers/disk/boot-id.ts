import { readFile } from "node:fs/promises";

/** Where Linux says which start of the machine this is. */
const BOOT_ID = "/proc/sys/kernel/random/boot_id";

/** What is the same for as long as the machine runs; `""` where it is not said. */
export async function bootId(): Promise<string> {
  return (await readFile(BOOT_ID, "utf8").catch(() => "")).trim();
}
