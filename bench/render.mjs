import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { chartOf } from "./chart.mjs";
import { contenders } from "./contenders.mjs";
import { goalsTable } from "./goals-table.mjs";
import {
  comparisonOfNodes,
  figuresTable,
  machineTable,
  settingsTable,
} from "./markdown-tables.mjs";
import { disturbanceOf, linesOf } from "./summary.mjs";
import { sizes } from "./workload.mjs";
import { workloadsOf } from "./workloads/index.mjs";

// Writes all of docs/reference/performance.md: the text from notes.md and the workloads, the figures
// from results/.

const RESULTS = "bench/results";
const CHARTS = "docs/reference/performance";

const all = readdirSync(RESULTS)
  // Other results belong to other pages.
  .filter((name) => /^node-\d+\.json$/.test(name))
  .map((name) => withPresentWords(JSON.parse(readFileSync(`${RESULTS}/${name}`, "utf8"))))
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
  "To measure on your own machine, run `npm run bench` (Linux, under ten minutes). To run one workload against the peers that you choose: `npm run bench -- echo-pipelined --against ws,uwebsockets --rounds 7`. `npm run bench -- --list` lists the workloads and contenders.",
  "",
  "## Goals",
  "",
  ...goalsTable(main),
  "",
  ...note("goals"),
  "## How it was measured",
  "",
  "Each figure comes from one process under test and one load generator, both started for this figure. The generator sends frames that it has created before the measurement, counts the answers, and checks the content of each connection's first answer, so that a wrong answer is never timed.",
  "",
  "Contenders take turns within a round, starting with a different one each time. A figure is the median of the rounds. A ratio is calculated for each round; the table shows its median, minimum and maximum.",
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
    method === undefined ? sentence : `${sentence} The figure is ${method}.`,
    "",
    ...(drawn ? [`![${name}: ${figure.label}](performance/${name}.svg)`, ""] : []),
    ...figuresTable(workload, lines),
    ...(disturbance === undefined ? [] : ["", `During this measurement, ${disturbance}.`]),
    "",
    ...note(name),
  ];
}

/** Results keep the words of the day on which they were measured; the page shows the present ones. */
function withPresentWords(results) {
  const described = new Map(workloadsOf(sizes.full).map((workload) => [workload.name, workload]));
  for (const workload of results.workloads) {
    const { says, method, figure, columns = [] } = described.get(workload.name) ?? {};
    Object.assign(workload, { says: says ?? workload.says, method: method ?? workload.method });
    const labels = new Map([figure, ...columns].map((column) => [column?.key, column?.label]));
    for (const column of [workload.figure, ...workload.columns]) {
      column.label = labels.get(column.key) ?? column.label;
    }
  }
  for (const [name, contender] of Object.entries(results.contenders)) {
    contender.says = contenders.get(name)?.says ?? contender.says;
  }
  return results;
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
