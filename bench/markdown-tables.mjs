import { numberText, ratioText } from "./number-text.mjs";
import { linesOf } from "./summary.mjs";

/** @returns {string[]} the machine and versions of the measurement */
export function machineTable({ node, machine, contenders, workloads }) {
  const dates = workloads.map(({ date }) => date.slice(0, 10)).sort();
  const commits = [...new Set(workloads.map(({ commit }) => commit))];
  const when = dates[0] === dates.at(-1) ? dates[0] : `${dates[0]} to ${dates.at(-1)}`;
  const versions = [...new Set(Object.values(contenders).map((each) => each.versions))];
  return [
    "| | |",
    "|---|---|",
    `| machine | ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.kernel} |`,
    `| processes | ${machine.pinning} |`,
    `| versions | Node ${node.slice(1)}, ${versions.filter(Boolean).join(", ")} |`,
    `| date | ${when}, Longwire at ${commits.join(", ")} |`,
  ];
}

/** @returns {string[]} the contenders and their compression settings */
export function settingsTable({ contenders }) {
  return [
    "| contender | description | permessage-deflate settings |",
    "|---|---|---|",
    ...Object.entries(contenders).map(
      ([name, { says, compression = "" }]) =>
        `| ${name} | ${says} | ${compression.replaceAll("|", "\\|")} |`,
    ),
  ];
}

/** @returns {string[]} a workload's figures */
export function figuresTable({ figure, columns, baselines }, lines) {
  const against = baselines.filter((name) => lines.some((line) => line.ratios[name]));
  const head = [
    "",
    figure.label,
    ...against.map((name) => `× ${name} [min–max]`),
    ...columns.map(({ label }) => label),
  ];
  const measured = lines.filter((line) => line.figure !== undefined);
  const rows = measured.map((line) => [
    line.contender.startsWith("longwire") ? `**${line.contender}**` : line.contender,
    numberText(line.figure.median, figure.digits),
    ...against.map((name) => ratioCell(line.ratios[name], line.contender === name)),
    ...columns.map(({ key, digits }) => numberText(line.columns[key]?.median, digits)),
  ]);
  const remarks = lines.flatMap(({ contender, notes }) =>
    notes.map((text) => `${contender}: ${text.split("\n")[0].slice(0, 200)}`),
  );
  return [
    `| ${head.join(" | ")} |`,
    `|---|${"---:|".repeat(head.length - 1)}`,
    ...rows.map((row) => `| ${row.join(" | ")} |`),
    ...(remarks.length > 0 ? ["", `${remarks.join("; ")}.`] : []),
  ];
}

/** @returns {string[]} the same workloads on another Node */
export function comparisonOfNodes(main, other) {
  const shown = ["longwire", "longwire-public", "ws", "uwebsockets"];
  const before = new Map(main.workloads.map((workload) => [workload.name, workload]));
  const rows = other.workloads.map((workload) => {
    const lines = new Map(linesOf(workload).map((line) => [line.contender, line]));
    const old = before.get(workload.name);
    const then = old && linesOf(old).find(({ contender }) => contender === "longwire");
    const cells = shown.map((name) =>
      numberText(lines.get(name)?.figure?.median, workload.figure.digits),
    );
    const ratio = lines.get("longwire")?.ratios.ws;
    const cell = ratio === undefined ? "" : ratioCell(ratio, false);
    const earlier = numberText(then?.figure?.median, workload.figure.digits);
    return `| ${[workload.name, workload.figure.label, ...cells, cell, earlier].join(" | ")} |`;
  });
  const remarks = new Set(
    other.workloads.flatMap((workload) =>
      linesOf(workload).flatMap(({ contender, notes }) =>
        notes.map((text) => `${contender}: ${text}`),
      ),
    ),
  );
  const versions = [other.node, main.node].map((version) => version.slice(1));
  return [
    `## Node ${versions[0]}`,
    "",
    `| | | ${shown.join(" | ")} | longwire × ws [min–max] | longwire on ${versions[1]} |`,
    `|---|---|${"---:|".repeat(shown.length + 2)}`,
    ...rows,
    ...(remarks.size > 0 ? ["", `${[...remarks].join("; ")}.`] : []),
  ];
}

function ratioCell(ratio, isItself) {
  if (ratio === undefined) return "";
  const { min, median, max } = ratio;
  if (isItself) return "1";
  if (min === max) return ratioText(median);
  return `${ratioText(median)} [${ratioText(min)}–${ratioText(max)}]`;
}
