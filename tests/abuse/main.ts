import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { catalogue } from "./catalogue.ts";
import { reasonsToFail } from "./judge.ts";
import type { Measured } from "./measured.ts";
import type { Row } from "./row.ts";
import { runRow } from "./run-row.ts";
import { ownLateMs } from "./server-process.ts";
import { runWithoutGuards } from "./without-guards.ts";

const { values } = parseArgs({
  options: {
    row: { type: "string", multiple: true, default: [] },
    list: { type: "boolean", default: false },
    json: { type: "string" },
    "without-guards": { type: "boolean", default: false },
  },
});

interface Judged extends Measured {
  reasons: string[];
}

const HEADING = `Memory in MiB, times in ms. "late" is the server's event loop, without the time ("core") in which its
thread waited for a core; "harness" is how late the loop of this process was.
${columns("row", ["idle", "highest", "after", "late", "core", "harness", "publish", "healthz"], "verdict")}`;

// So that what waits for "exit" is done: servers are ended, a certificate's folder goes.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));

if (values.list) list(catalogue);
else if (values["without-guards"]) await runUnguarded(chosen(values.row));
else await run(chosen(values.row));

function list(rows: readonly Row[]): void {
  for (const { name, server, what } of rows) {
    console.log(`${name.padEnd(33)}${server.padEnd(11)}${what}`);
  }
}

/** @param names of rows, or what several names begin with */
function chosen(names: readonly string[]): readonly Row[] {
  const isNamed = (row: Row, name: string): boolean =>
    row.name === name || row.name.startsWith(`${name}-`);
  const unknown = names.find((name) => !catalogue.some((row) => isNamed(row, name)));
  if (unknown !== undefined) {
    console.error(`There is no row ${unknown}; npm run abuse -- --list shows them.`);
    process.exit(2);
  }
  if (names.length === 0) return catalogue;
  return catalogue.filter((row) => names.some((name) => isNamed(row, name)));
}

async function run(rows: readonly Row[]): Promise<void> {
  const judged: Judged[] = [];
  let broken = 0;
  console.log(HEADING);
  for (const row of rows) {
    // One at a time: each is to have the machine for itself.
    try {
      const measured = await runRow(row);
      const one = { ...measured, reasons: reasonsToFail(row, measured) };
      judged.push(one);
      console.log(line(one));
    } catch (error) {
      // If one row cannot be run, the others still run.
      broken += 1;
      console.log(`${row.name}: could not be run: ${String(error)}`);
    }
    // Each time, so that a run that is broken off leaves what it has.
    if (values.json !== undefined) writeJson(values.json, judged);
  }
  const failed = broken + judged.filter(({ reasons }) => reasons.length > 0).length;
  console.log(`${rows.length - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

async function runUnguarded(rows: readonly Row[]): Promise<void> {
  const all: Measured[] = [];
  const areRed = await runWithoutGuards(rows, (measured) => {
    all.push(measured);
    if (values.json !== undefined) writeJson(values.json, all);
  });
  process.exitCode = areRed ? 0 : 1;
}

function writeJson(file: string, measured: readonly Measured[]): void {
  const from = process.env["LONGWIRE_CALLED_FROM"] ?? ".";
  writeFileSync(resolve(from, file), `${JSON.stringify(measured, undefined, 2)}\n`);
}

function columns(name: string, figures: readonly string[], verdict: string): string {
  return `${name.padEnd(33)}${figures.map((figure) => figure.padStart(9)).join("")}  ${verdict}`;
}

function line(judged: Judged): string {
  const { idleMiB, highestMiB, afterMiB, lateness, harnessLateMs, bystander, reasons } = judged;
  const figures = [
    idleMiB,
    highestMiB,
    afterMiB,
    ownLateMs(lateness),
    lateness.waitedMs,
    harnessLateMs,
    bystander.slowestPublishMs,
    bystander.slowestHealthMs,
  ];
  const verdict = reasons.length === 0 ? "passed" : `FAILED: ${reasons.join("; ")}`;
  return columns(
    judged.row,
    figures.map((figure) => figure.toFixed(0)),
    verdict,
  );
}
