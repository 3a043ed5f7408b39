import type { Offset } from "../position.ts";

/** A part of a view, as one write. */
export interface Page {
  /** Empty if there is nothing to write; absent if it exceeds what its reader accepts. */
  bytes: Uint8Array | undefined;
  /** Everything up to here has been sent, or did not match. */
  reached: Offset;
  /** The offset that the subscriber can derive from the page, if any. */
  told: Offset | undefined;
  isLast: boolean;
  /**
   * Whether the slice is used up, so that the walk continues in a later turn of the `SliceQueue`.
   */
  isYield: boolean;
  /** The cost of making it, to be charged; 0 for a cached page. */
  units: number;
  /** How many events were checked for it. */
  visits: number;
}
