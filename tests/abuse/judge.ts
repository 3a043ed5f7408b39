import { goal } from "./goal.ts";
import type { Row } from "./row.ts";
import type { Measured } from "./measured.ts";
import { ownLateMs } from "./server-process.ts";

/** Why a row fails; nothing if it passes. */
export function reasonsToFail(row: Row, measured: Measured): string[] {
  const { idleMiB, highestMiB, afterMiB, bystander, ending, finding } = measured;
  if (ending !== undefined) return [`the server was ${ending}`.replace("was ended", "ended")];
  const keptMiB = row.allowance?.mib ?? 0;
  const reasons: string[] = [];
  const growthMiB = highestMiB - idleMiB - keptMiB;
  if (growthMiB > goal.growthMiB) reasons.push(`memory grew by ${mib(growthMiB)}`);
  const remainderMiB = afterMiB - idleMiB - keptMiB;
  if (remainderMiB > goal.remainderMiB) {
    reasons.push(`${mib(remainderMiB)} stayed`);
  }
  const lateMs = ownLateMs(measured.lateness);
  if (lateMs > goal.lateMs) reasons.push(`the loop was ${lateMs.toFixed(0)} ms late`);
  const { lost, failedChecks, slowestHealthMs } = bystander;
  if (row.withoutPublishes !== true && lost.length > 0) {
    reasons.push(`${lost.length} of ${bystander.publishes} publishes failed (${kinds(lost)})`);
  }
  if (failedChecks.length > 0) {
    const { length } = failedChecks;
    reasons.push(`${length} of ${bystander.checks} GET /healthz failed (${kinds(failedChecks)})`);
  }
  if (slowestHealthMs > goal.healthMs) {
    reasons.push(`GET /healthz took ${slowestHealthMs.toFixed(0)} ms`);
  }
  if (finding !== undefined) reasons.push(finding);
  return reasons;
}

function mib(value: number): string {
  return `${value.toFixed(0)} MiB`;
}

function kinds(of: readonly string[]): string {
  return [...new Set(of)].join(", ");
}
