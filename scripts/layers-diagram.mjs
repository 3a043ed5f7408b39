// The layers as a picture: who imports whom, from the bottom up. Written by layers.mjs.

const BOX = { width: 104, height: 34 };
const GAP = { x: 12, y: 44 };
const MARGIN = 16;
const LEGEND_HEIGHT = 34;

const STYLE = `
.ground { fill: #ffffff; stroke: #d1d9e0; }
text { font: 14px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; text-anchor: middle; }
.legend { font-size: 12px; text-anchor: start; fill: #59636e; }
.anywhere { fill: #dff0f4; stroke: #0b5f74; }
.node { fill: #f3eee4; stroke: #8a6d3b; }
path { fill: none; stroke: #818b98; stroke-width: 1.2; }
marker path { fill: #818b98; stroke: none; }
@media (prefers-color-scheme: dark) {
  .ground { fill: #0d1117; stroke: #3d444d; }
  text { fill: #e6edf3; }
  .legend { fill: #9198a1; }
  .anywhere { fill: #15333c; stroke: #72c7dd; }
  .node { fill: #352b17; stroke: #c9a45c; }
  path { stroke: #7d8590; }
  marker path { fill: #7d8590; }
}`;

/** @param layers as layers.json has them */
export function layersDiagram(layers) {
  const graph = graphOf(layers);
  const rows = ordered(rowsOf(graph), graph);
  const columns = Math.max(...rows.map((row) => row.length));
  const width = 2 * MARGIN + columns * (BOX.width + GAP.x) - GAP.x;
  const height = 2 * MARGIN + rows.length * (BOX.height + GAP.y) - GAP.y + LEGEND_HEIGHT;
  const places = placesOf(rows, width);
  const arrows = [...graph].flatMap(([from, all]) =>
    all.map((to) => arrow(places.get(from), places.get(to))),
  );
  const boxes = layers.map(({ folder, node }) => box(places.get(folder), folder, node === true));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Layers: an arrow leads from a layer to one that it imports">`,
    `<style>${STYLE}\n</style>`,
    `<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>`,
    `<rect class="ground" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    ...arrows,
    ...boxes,
    ...legend(height),
    "</svg>\n",
  ].join("\n");
}

/** The imports of each layer, without those that it reaches through another layer. */
function graphOf(layers) {
  const imports = new Map(
    layers.map(({ folder, imports }) => [
      folder,
      [...new Set(imports.map((each) => layerOf(layers, each)))].filter((each) => each !== folder),
    ]),
  );
  const reach = (from) => imports.get(from).flatMap((to) => [to, ...reach(to)]);
  return new Map(
    [...imports].map(([from, all]) => [
      from,
      all.filter((to) => !all.some((other) => other !== to && reach(other).includes(to))),
    ]),
  );
}

function layerOf(layers, path) {
  return layers
    .map(({ folder }) => folder)
    .filter((folder) => path === folder || path.startsWith(`${folder}/`))
    .toSorted((a, b) => b.length - a.length)[0];
}

/** Each layer in the row above the highest one that it imports. */
function rowsOf(graph) {
  const rank = (layer) => Math.max(-1, ...graph.get(layer).map(rank)) + 1;
  const rows = [];
  for (const layer of graph.keys()) (rows[rank(layer)] ??= []).push(layer);
  return rows;
}

/** The rows in an order in which arrows are short. */
function ordered(rows, graph) {
  let best = rows;
  for (let sweep = 0; sweep < 6; sweep += 1) {
    for (const [at, row] of best.entries()) {
      const candidates = permutations(row).map((each) => best.with(at, each));
      best = candidates.reduce((a, b) => (lengthOf(b, graph) < lengthOf(a, graph) ? b : a), best);
    }
  }
  return best;
}

function lengthOf(rows, graph) {
  const places = placesOf(rows, 0);
  let sum = 0;
  for (const [from, all] of graph) {
    for (const to of all) sum += (places.get(from).x - places.get(to).x) ** 2;
  }
  return sum;
}

function permutations(items) {
  if (items.length < 2) return [items];
  return items.flatMap((item, at) =>
    permutations(items.toSpliced(at, 1)).map((rest) => [item, ...rest]),
  );
}

/** The middle of each layer's box; the rows are centred. */
function placesOf(rows, width) {
  const places = new Map();
  for (const [at, row] of rows.entries()) {
    const y = MARGIN + BOX.height / 2 + (rows.length - 1 - at) * (BOX.height + GAP.y);
    for (const [column, layer] of row.entries()) {
      const x = width / 2 + (column - (row.length - 1) / 2) * (BOX.width + GAP.x);
      places.set(layer, { x, y });
    }
  }
  return places;
}

function arrow(from, to) {
  const [top, bottom] = [from.y + BOX.height / 2, to.y - BOX.height / 2];
  const bend = GAP.y / 2;
  return `<path d="M${from.x} ${top}C${from.x} ${top + bend} ${to.x} ${bottom - bend} ${to.x} ${bottom}" marker-end="url(#head)"/>`;
}

function box({ x, y }, folder, isNode) {
  const [left, top] = [x - BOX.width / 2, y - BOX.height / 2];
  const rect = `<rect class="${isNode ? "node" : "anywhere"}" x="${left}" y="${top}" width="${BOX.width}" height="${BOX.height}" rx="6"/>`;
  return `${rect}<text x="${x}" y="${y + 5}">${folder.replace("src/", "")}</text>`;
}

function legend(height) {
  const y = height - MARGIN;
  const entry = (x, name, text) =>
    `<rect class="${name}" x="${x}" y="${y - 11}" width="14" height="14" rx="3"/><text class="legend" x="${x + 20}" y="${y}">${text}</text>`;
  return [entry(MARGIN, "anywhere", "runs everywhere"), entry(MARGIN + 150, "node", "needs Node")];
}
