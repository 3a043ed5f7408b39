import type { Device } from "./device.ts";

/** The devices that came to need attention since the last announcement. */
export interface AttentionNews {
  readonly added: readonly string[];
  readonly all: number;
}

/** Finds which devices have come to need attention, for those who hear the page. */
export class AttentionWatch {
  #before: ReadonlySet<string> | undefined;

  /** Returns undefined if there are none; the devices of the first call are not new. */
  next(devices: readonly Device[]): AttentionNews | undefined {
    const now = new Set(devices.filter((one) => one.needsAttention).map((one) => one.name));
    const before = this.#before;
    this.#before = now;
    if (before === undefined) return undefined;
    const added = [...now].filter((name) => !before.has(name));
    return added.length === 0 ? undefined : { added, all: now.size };
  }
}
