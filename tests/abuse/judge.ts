import { goal } from "./goal.ts";
import type { Row } from "./row.ts";
import type { Measured } from "./measured.ts";
import { ownLateMs } from "./server-process.ts";

/** Where a failure shows: memory during or after the attack, the event loop, other clients. */
export type Symptom = "memory" | "stays" | "late" | "bystander" | "finding";

/** One reason why a row fails. */
export interface Failure {
  /** `ended`: the server has ended, and not for want of memory. */
  symptom: Symptom | "ended";
  reason: string;
}

/** Why a row fails; nothing if it passes. */
export function reasonsToFail(row: Row, measured: Measured): string[] {
  return failuresOf(row, measured).map(({ reason }) => reason);
}

/** The same, each with what it shows in. */
export function failuresOf(row: Row, measured: Measured): Failure[] {
  const { idleMiB, highestMiB, afterMiB, bystander, ending, finding } = measured;
  if (ending !== undefined) {
    const symptom = /killed by the harness|heap out of memory/.test(ending) ? "memory" : "ended";
    return [{ symptom, reason: `the server was ${ending}`.replace("was ended", "ended") }];
  }
  const keptMiB = row.allowance?.mib ?? 0;
  const failures: Failure[] = [];
  const growthMiB = highestMiB - idleMiB - keptMiB;
  if (growthMiB > goal.growthMiB) {
    failures.push({ symptom: "memory", reason: `memory grew by ${mib(growthMiB)}` });
  }
  const remainderMiB = afterMiB - idleMiB - keptMiB;
  if (remainderMiB > goal.remainderMiB) {
    failures.push({ symptom: "stays", reason: `${mib(remainderMiB)} stayed` });
  }
  const lateMs = ownLateMs(measured.lateness);
  if (lateMs > goal.lateMs) {
    failures.push({ symptom: "late", reason: `the loop was ${lateMs.toFixed(0)} ms late` });
  }
  for (const reason of reasonsOfBystander(row, bystander)) {
    failures.push({ symptom: "bystander", reason });
  }
  if (finding !== undefined) failures.push({ symptom: "finding", reason: finding });
  return failures;
}

function reasonsOfBystander(row: Row, bystander: Measured["bystander"]): string[] {
  const { lost, failedChecks, slowestHealthMs } = bystander;
  const reasons: string[] = [];
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
  return reasons;
}

function mib(value: number): string {
  return `${value.toFixed(0)} MiB`;
}

function kinds(of: readonly string[]): string {
  return [...new Set(of)].join(", ");
}
