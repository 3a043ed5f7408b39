import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { layersDiagram } from "./layers-diagram.mjs";

// The house as data: layers.json defines which folder may import which, and why. This checks the
// sources against it, and writes the table and the picture of the architecture page.
//
//   node scripts/layers.mjs            fails with each import that is not allowed
//   node scripts/layers.mjs --write    writes the table and the picture, too

const root = fileURLToPath(new URL("..", import.meta.url));
const PAGE = "docs/concepts/architecture.md";
const PICTURE = "docs/images/layers.svg";
const BEGIN = "<!-- layers: written by `node scripts/layers.mjs --write` from layers.json -->";
const END = "<!-- /layers -->";

/** Imports and exports from other modules, and `import()`. */
const IMPORT =
  /^\s*(?:import|export)\s+(?<type>type\s)?(?:[^"';]*?\sfrom\s+)?"(?<from>[^"]+)"|import\("(?<lazy>[^"]+)"\)/gm;
/** Globals of Node, which a layer that runs everywhere must not use. */
const NODE_GLOBALS = /(?<![.\w"'`/-])(?:Buffer|process|setImmediate|__dirname|require)\b(?=[.(])/;

const { layers } = JSON.parse(readFileSync(join(root, "layers.json"), "utf8"));

if (process.argv.includes("--write")) {
  writeTable();
  writeFileSync(join(root, PICTURE), layersDiagram(layers));
}
const problems = [...staleTable(), ...stalePicture(), ...sources("src").flatMap(problemsOf)];
for (const problem of problems) console.error(problem);
console.log(`${layers.length} layers, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;

function sources(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return sources(path);
    return /\.[cm]?ts$/.test(path) ? [path] : [];
  });
}

function problemsOf(file) {
  // Files that are published unchanged import the packages that users have.
  if (file.startsWith("src/ws/package/")) return [];
  const layer = layerOf(file);
  if (layer === undefined) return [`${file}: its folder is in no layer; add it to layers.json.`];
  const text = readFileSync(join(root, file), "utf8");
  const found = [];
  for (const { groups } of text.matchAll(IMPORT)) {
    const problem = problemOf(file, layer, groups);
    if (problem !== undefined) found.push(`${file}: ${problem}`);
  }
  const code = text.replace(/\/\*[^]*?\*\/|\/\/.*$/gm, "");
  const global = layer.node === true ? undefined : NODE_GLOBALS.exec(code)?.[0];
  if (global !== undefined && !exceptionsOf(layer, file).includes(global)) {
    found.push(`${file}: ${layer.folder} runs everywhere and uses ${global}, which only Node has.`);
  }
  return found;
}

function problemOf(file, layer, { type, from, lazy }) {
  const specifier = from ?? lazy;
  if (!specifier.startsWith(".")) {
    return exceptionsOf(layer, file).includes(specifier)
      ? undefined
      : packageProblem(layer, specifier);
  }
  const target = relative(root, resolve(root, dirname(file), specifier));
  const other = layerOf(target);
  if (other === layer) return undefined;
  const allowed = [...layer.imports, ...(type !== undefined ? (layer.types ?? []) : [])];
  const folder = allowed.find((each) => target.startsWith(`${each}/`));
  if (folder === undefined || (other !== undefined && !covers(allowed, other.folder))) {
    return `${layer.folder} may not import ${target}; layers.json allows ${allowed.join(", ") || "nothing"}.`;
  }
  const isEntry = /(?:^|\/)index\.ts$/.test(target) || (type !== undefined && isOwn(layer, target));
  return isEntry ? undefined : `import the index.ts of ${folder}, not ${target}.`;
}

/** A part of a layer takes types of the rest of it from their files, as the rest does itself. */
function isOwn(layer, target) {
  return layers.some(
    ({ folder }) => layer.folder.startsWith(`${folder}/`) && target.startsWith(`${folder}/`),
  );
}

/** The exceptions of single files from the rules of their layer. */
function exceptionsOf({ exceptions = {} }, file) {
  return exceptions[file] ?? [];
}

function covers(allowed, folder) {
  return allowed.some((each) => each === folder || each.startsWith(`${folder}/`));
}

function packageProblem({ folder, node, packages = [] }, specifier) {
  if (packages.includes(specifier)) return undefined;
  if (specifier.startsWith("node:")) {
    return node === true
      ? undefined
      : `${folder} does no I/O; src/node is the home of ${specifier}.`;
  }
  return packages.some((each) => specifier.startsWith(`${each}/`))
    ? undefined
    : `${folder} may not import the package ${specifier}.`;
}

/** The innermost layer that a file lies in. */
function layerOf(file) {
  return layers
    .filter(({ folder }) => file.startsWith(`${folder}/`))
    .toSorted((a, b) => b.folder.length - a.folder.length)[0];
}

function table() {
  const rows = layers.map(({ folder, is, imports, types = [] }) => {
    const names = imports
      .map(short)
      .concat(types.length > 0 ? `types of ${types.map(short).join(", ")}` : []);
    return `| \`${folder}/\` | ${is} | ${names.join(", ") || "nothing"} |`;
  });
  return ["| folder | is | may import |", "|---|---|---|", ...rows].join("\n");
}

function short(folder) {
  return folder.replace("src/", "");
}

function parts(page) {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < from) throw new Error(`${PAGE} has no place for the table of layers.`);
  return {
    head: page.slice(0, from + BEGIN.length),
    tail: page.slice(to),
    inside: page.slice(from + BEGIN.length, to),
  };
}

function staleTable() {
  const { inside } = parts(readFileSync(join(root, PAGE), "utf8"));
  if (inside.trim() === table()) return [];
  return [
    `${PAGE}: the table of layers is not that of layers.json; run node scripts/layers.mjs --write.`,
  ];
}

function stalePicture() {
  if (readFileSync(join(root, PICTURE), "utf8") === layersDiagram(layers)) return [];
  return [`${PICTURE} is not that of layers.json; run node scripts/layers.mjs --write.`];
}

function writeTable() {
  const path = join(root, PAGE);
  const { head, tail } = parts(readFileSync(path, "utf8"));
  writeFileSync(path, `${head}\n\n${table()}\n\n${tail}`);
}
