/**
 * - `opening`: the topic is being read, and has no followers yet
 * - `open`: it is followed, changed, or kept until the next check
 * - `releasing`: it is not needed any more, and its expired records are deleted from the store
 */
export type DiskPhase = "opening" | "open" | "releasing";

/** `released`: what had expired is deleted. The topic may have been followed again meanwhile. */
export type DiskEvent = "followed" | "unused" | "released";

export function nextDiskPhase(phase: DiskPhase, event: DiskEvent): DiskPhase {
  switch (event) {
    case "followed":
      return phase === "opening" ? "open" : phase;
    case "unused":
      return phase === "open" ? "releasing" : phase;
    case "released":
      return phase === "releasing" ? "open" : phase;
  }
}
