import { numberText } from "./number-text.mjs";

const ROW = 26;
const BAR = 16;
const LABELS = 132;
const WIDTH = 720;
/** Kept free at the right for the longest bar's number. */
const NUMBERS = 70;

/**
 * Draws one bar for each line that has a figure, with a whisker from the least to the most.
 *
 * @param {import("./summary.mjs").Line[]} lines
 * @param {import("./workload.mjs").Column} figure
 * @returns {string} an SVG that suits a light and a dark page
 */
export function chartOf(lines, figure) {
  const drawn = lines.filter((line) => line.figure !== undefined);
  const most = Math.max(...drawn.map((line) => line.figure.max));
  const scale = (value) => (value / most) * (WIDTH - LABELS - NUMBERS);
  const height = drawn.length * ROW + 24;
  const rows = drawn.map((line, index) => rowOf(line, { y: index * ROW, scale, figure }));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${figure.label}">`,
    `<style>${STYLE}</style>`,
    ...rows,
    `<text class="unit" x="${LABELS}" y="${height - 6}">${figure.label}, median and range; shorter is better</text>`,
    "</svg>\n",
  ].join("\n");
}

function rowOf({ contender, figure: { min, median, max } }, { y, scale, figure }) {
  const middle = y + ROW / 2;
  const end = LABELS + scale(median);
  const from = LABELS + scale(min);
  const to = LABELS + scale(max);
  const whisker = max - min > 0 ? `<path class="range" d="M${at(from)} ${middle}H${at(to)}"/>` : "";
  return [
    `<text class="name" x="${LABELS - 10}" y="${middle + 4}">${contender}</text>`,
    `<rect class="${kindOf(contender)}" x="${LABELS}" y="${middle - BAR / 2}" width="${at(Math.max(1, end - LABELS))}" height="${BAR}" rx="2"/>`,
    whisker,
    `<text class="number" x="${at(Math.max(end, to) + 8)}" y="${middle + 4}">${numberText(median, figure.digits)}</text>`,
  ].join("");
}

function kindOf(contender) {
  if (contender === "longwire") return "ours";
  if (contender === "longwire-public") return "ours-public";
  return contender === "net" ? "floor" : "peer";
}

function at(value) {
  return Number(value.toFixed(1));
}

const STYLE = `
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
.name { text-anchor: end; }
.number { font-variant-numeric: tabular-nums; }
.unit { font-size: 11px; fill: #59636e; }
.ours { fill: #0969da; }
.ours-public { fill: #80b8f0; }
.peer { fill: #afb8c1; }
.floor { fill: #dfe4e9; }
.range { stroke: #1f2328; stroke-width: 1.5; opacity: .55; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .unit { fill: #9198a1; }
  .ours { fill: #4493f8; }
  .ours-public { fill: #27568f; }
  .peer { fill: #656c76; }
  .floor { fill: #3d444d; }
  .range { stroke: #e6edf3; }
}
`;
