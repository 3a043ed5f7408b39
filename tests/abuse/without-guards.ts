import { goal } from "./goal.ts";
import type { Unguarded } from "./guards/guard.ts";
import { copyWithoutGuards } from "./guards/remove-guards.ts";
import { unguarded, withoutGuard } from "./guards/unguarded.ts";
import { failuresOf, type Failure } from "./judge.ts";
import type { Measured } from "./measured.ts";
import type { Row } from "./row.ts";
import { runRow } from "./run-row.ts";
import { ownLateMs } from "./server-process.ts";

/** Beyond the goal by more than two runs differ; waits for a core are not counted. */
const CLEARLY_LATE_MS = 1.2 * goal.lateMs;

/**
 * Runs each row against built code that its guards are taken out of. It has to fail, by what the
 * guard is there for.
 *
 * @param onMeasured is given what was measured of a row
 * @returns whether all rows that have guards went red
 */
export async function runWithoutGuards(
  rows: readonly Row[],
  onMeasured: (measured: Measured) => void,
): Promise<boolean> {
  let tried = 0;
  let red = 0;
  for (const row of rows) {
    const entry = unguarded.find((one) => one.row === row.name);
    if (entry === undefined) {
      console.log(`${row.name}: not tried: ${whyNot(row)}`);
      continue;
    }
    tried += 1;
    if (await isRed(row, entry, onMeasured)) red += 1;
  }
  console.log(`${red} of ${tried} rows are red without their guards`);
  return red === tried;
}

function whyNot(row: Row): string {
  if (isControl(row)) return "nobody attacks in it";
  const reason = withoutGuard.find((one) => one.row === row.name)?.reason;
  return reason ?? "tests/abuse/guards does not say what its guards are";
}

/** Whether a row shows a server that nobody attacks. */
export function isControl({ move, after }: Row): boolean {
  return move === undefined && after === undefined;
}

async function isRed(
  row: Row,
  { expects, guards }: Unguarded,
  onMeasured: (measured: Measured) => void,
): Promise<boolean> {
  // A guard that cannot be removed is an error in the list, and ends the run.
  const root = copyWithoutGuards(guards);
  const expected = (measured: Measured): Failure | undefined =>
    failuresOf(row, measured).find(
      ({ symptom }) => symptom === expects && isClear(expects, measured),
    );
  const startedAt = performance.now();
  const lines = guards.map(({ what }) => `    without: ${what}`);
  let verdict: string;
  let isAsExpected = false;
  try {
    const measured = await runRow(row, {
      root,
      isEnough: (measured) => expected(measured) !== undefined,
      // Memory that is freed within the recovery time does not count as staying.
      ...(expects === "stays" && { failedRecoveryMs: goal.recoveryMs }),
    });
    onMeasured(measured);
    isAsExpected = expected(measured) !== undefined;
    verdict = isAsExpected
      ? `red: ${expected(measured)!.reason}`
      : `STAYED GREEN: ${seen(row, measured, expects)}`;
  } catch (error) {
    verdict = `COULD NOT BE RUN: ${String(error)}`;
  }
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
  console.log([`${row.name}: ${verdict} (${seconds} s)`, ...lines].join("\n"));
  return isAsExpected;
}

function isClear(expects: Unguarded["expects"], { lateness }: Measured): boolean {
  return expects !== "late" || ownLateMs(lateness) > CLEARLY_LATE_MS;
}

/** Describes the measurements that were found in place of the expected failure. */
function seen(row: Row, measured: Measured, expects: string): string {
  const { idleMiB, highestMiB, afterMiB, lateness } = measured;
  const others = failuresOf(row, measured).map(({ reason }) => reason);
  const figures = [
    `memory ${idleMiB.toFixed(0)}, ${highestMiB.toFixed(0)} and then ${afterMiB.toFixed(0)} MiB`,
    `${ownLateMs(lateness).toFixed(0)} ms late`,
    ...others,
  ];
  return `"${expects}" was expected; there was: ${figures.join("; ")}`;
}
