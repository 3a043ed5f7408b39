import type { Tally } from "./abuser.ts";
import type { Seen } from "./bystander.ts";
import type { Lateness } from "./server-process.ts";

/** What was seen of a row. */
export interface Measured {
  row: string;
  idleMiB: number;
  highestMiB: number;
  /** The least after the abuser had left. */
  afterMiB: number;
  /** How long after that it took until so little was held again. */
  recoveryMs: number;
  lateness: Lateness;
  /** How late this process was: a measure for how busy the machine is. */
  harnessLateMs: number;
  bystander: Seen;
  /** What the abuser says of itself; nothing if there was none, or if it had to be ended. */
  abuser: Tally | undefined;
  /** Why the server has ended, if it has. */
  ending: string | undefined;
  /** What the row's own check found. */
  finding: string | undefined;
}
