import type { Tally } from "./abuser.ts";
import type { Seen } from "./bystander.ts";
import type { Lateness } from "./server-process.ts";

/** The measurements of a row. */
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
  /** The abuser's own report; undefined if there was no abuser, or if it had to be killed. */
  abuser: Tally | undefined;
  /** Why the server has ended, if it has. */
  ending: string | undefined;
  /** The finding of the row's own check. */
  finding: string | undefined;
}
