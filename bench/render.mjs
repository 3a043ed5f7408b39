import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { chartOf } from "./chart.mjs";
import { goalsTable } from "./goals-table.mjs";
import {
  comparisonOfNodes,
  figuresTable,
  machineTable,
  settingsTable,
} from "./markdown-tables.mjs";
import { disturbanceOf, linesOf } from "./summary.mjs";

// Writes docs/reference/performance.md, all of it: text from notes.md, figures from results/.

const RESULTS = "bench/results";
const CHARTS = "docs/reference/performance";

const all = readdirSync(RESULTS)
  // Others are of other pages.
  .filter((name) => /^node-\d+\.json$/.test(name))
  .map((name) => JSON.parse(readFileSync(`${RESULTS}/${name}`, "utf8")))
  .sort((a, b) => a.node.localeCompare(b.node, "en", { numeric: true }));
if (all.length === 0) {
  process.stderr.write("bench: there are no results in bench/results; run npm run bench first.\n");
  process.exit(1);
}
const notes = readNotes(readFileSync("bench/notes.md", "utf8"));
const [main, ...others] = all;

rmSync(CHARTS, { recursive: true, force: true });
mkdirSync(CHARTS, { recursive: true });
const page = [
  "# Performance",
  "",
  "<!-- Written by `npm run bench -- --render` from bench/results and bench/notes.md. -->",
  "",
  ...note("start"),
  "Measure it yourself, in under ten minutes on Linux: `npm run bench`. One workload, against whom you like: `npm run bench -- echo-pipelined --against ws,uwebsockets --rounds 7`. `npm run bench -- --list` shows what there is.",
  "",
  "## Goals",
  "",
  ...goalsTable(main),
  "",
  ...note("goals"),
  "## How it was measured",
  "",
  "One process under test and one load generator, both new for every figure; the generator sends frames that it has made before, counts what comes back, and reads the content of each connection's first answer, so that a wrong one is never timed. Contenders take turns within a round, beginning with another one each time. A figure is the median of the rounds; a ratio is taken round by round, then its median, least and most.",
  "",
  ...note("method"),
  ...machineTable(main),
  "",
  ...settingsTable(main),
  "",
  ...main.workloads.flatMap(section),
  ...others.flatMap((other) => [...comparisonOfNodes(main, other), ""]),
];
writeFileSync("docs/reference/performance.md", `${page.join("\n").trimEnd()}\n`);
process.stdout.write(
  `docs/reference/performance.md, ${main.workloads.length} charts in ${CHARTS}\n`,
);

function section(workload) {
  const { name, alias, says, method, figure } = workload;
  const lines = linesOf(workload);
  const disturbance = disturbanceOf(workload);
  const drawn = lines.some((line) => line.figure !== undefined);
  if (drawn) writeFileSync(`${CHARTS}/${name}.svg`, chartOf(lines, figure));
  const sentence = `${says[0].toUpperCase()}${says.slice(1)}.`;
  return [
    `## ${name}${alias ? ` (${alias})` : ""}`,
    "",
    method === undefined ? sentence : `${sentence} Measured is ${method}.`,
    "",
    ...(drawn ? [`![${name}: ${figure.label}](performance/${name}.svg)`, ""] : []),
    ...figuresTable(workload, lines),
    ...(disturbance === undefined ? [] : ["", `While this was measured, ${disturbance}.`]),
    "",
    ...note(name),
  ];
}

function note(name) {
  const text = notes.get(name);
  return text === undefined ? [] : [text, ""];
}

function readNotes(text) {
  const parts = text.split(/^## /m).slice(1);
  return new Map(
    parts.map((part) => {
      const end = part.indexOf("\n");
      return [part.slice(0, end).trim(), part.slice(end).trim()];
    }),
  );
}
