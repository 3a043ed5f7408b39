import { styleText } from "node:util";
import { numberText, ratioText } from "./number-text.mjs";
import { disturbanceOf, linesOf } from "./summary.mjs";

/**
 * @param {import("./results.mjs").WorkloadResult} result
 * @returns {string} a table for the terminal
 */
export function tableOf(result) {
  const { name, alias, says, figure, columns, baselines } = result;
  const lines = linesOf(result);
  const isKnown = (baseline) => lines.some((line) => line.ratios[baseline] !== undefined);
  const against = baselines.filter(isKnown);
  const head = [
    "",
    figure.label,
    "min–max",
    ...against.map((baseline) => `× ${baseline}`),
    ...columns.map(({ label }) => label),
  ];
  const rows = lines.map((line) => [
    line.contender,
    numberText(line.figure?.median, figure.digits),
    line.figure ? rangeText(line.figure, (value) => numberText(value, figure.digits)) : "",
    ...against.map((baseline) => ratioCell(line.ratios[baseline])),
    ...columns.map(({ key, digits }) => numberText(line.columns[key]?.median, digits)),
  ]);
  const title = `${bold(alias ? `${name} (${alias})` : name)}  ${dim(says)}`;
  const notes = lines.flatMap(({ contender, notes }) =>
    notes.map((note) => `  ${note.startsWith("FAILED") ? red(contender) : contender}: ${note}`),
  );
  const disturbance = disturbanceOf(result);
  if (disturbance !== undefined) notes.push(dim(`  ${disturbance}`));
  return [title, ...aligned(head, rows), ...notes, ""].join("\n");
}

function ratioCell(ratio) {
  if (ratio === undefined) return "";
  return `${ratioText(ratio.median)} [${rangeText(ratio, ratioText)}]`;
}

function rangeText({ min, max }, text) {
  return `${text(min)}–${text(max)}`;
}

function aligned(head, rows) {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => row[column].length)),
  );
  const line = (row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]),
      )
      .join("   ");
  return [
    dim(`  ${line(head)}`),
    ...rows.map((row) =>
      row[0].startsWith("longwire") ? bold(`  ${line(row)}`) : `  ${line(row)}`,
    ),
  ];
}

function bold(text) {
  return styled("bold", text);
}

function dim(text) {
  return styled("dim", text);
}

function red(text) {
  return styled("red", text);
}

function styled(style, text) {
  return process.stdout.isTTY ? styleText(style, text) : text;
}

/**
 * @param {import("./rounds.mjs").Outcome[]} outcomes
 * @returns {string} where the time of each went, as far as it was looked
 */
export function profilesOf(outcomes) {
  const profiled = outcomes.filter(({ rounds }) => rounds[0]?.profile !== undefined);
  return profiled
    .map(({ contender, rounds }) => {
      const { path, top } = rounds[0].profile;
      const lines = top.map(
        ({ name, share }) => `  ${(share * 100).toFixed(1).padStart(5)} %  ${name}`,
      );
      return [`${bold(contender)}  ${dim(path)}`, ...lines, ""].join("\n");
    })
    .join("\n");
}
