/**
 * Writes a Markdown page for each public entry of the package, from its docstrings.
 *
 *   node tools/api-docs/main.mjs FOLDER
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Application, Converter } from "typedoc";
import { MarkdownPageEvent } from "typedoc-plugin-markdown";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = process.argv[2];

const { name, exports } = JSON.parse(readFileSync(resolve(root, "package.json"), "utf8"));
/** The entries that users import, by the source of their types. `longwire/ws` has those of `@types/ws`. */
const entries = new Map(
  Object.entries(exports)
    .filter(([, { types }]) => typeof types === "string")
    .map(([path, { types }]) => [
      types.replace("./dist/", "src/").replace(/\.d\.ts$/, ".ts"),
      path.replace(".", name),
    ]),
);

const app = await Application.bootstrapWithPlugins({
  plugin: ["typedoc-plugin-markdown"],
  tsconfig: fileURLToPath(new URL("tsconfig.json", import.meta.url)),
  entryPoints: [...entries.keys()].map((source) => resolve(root, source)),
  outputs: [{ name: "markdown", path: folder }],
  name: "API",
  readme: "none",
  outputFileStrategy: "modules",
  entryFileName: "index.md",
  hidePageHeader: true,
  hideBreadcrumbs: true,
  // The ids that links have; those that VitePress derives from headings differ where names repeat.
  useCustomAnchors: true,
  // A member may be called as a group of members is, such as "methods".
  anchorPrefix: "api-",
  customAnchorsFormat: "curlyBrace",
  useCodeBlocks: true,
  expandParameters: true,
  parametersFormat: "table",
  disableSources: true,
  excludePrivate: true,
  excludeProtected: true,
  excludeInternal: true,
  excludeExternals: true,
  // The project's own tsc checks the types, with the TypeScript that the project uses.
  skipErrorChecking: true,
  // Types that are not exported appear where they are used; they have no entry of their own.
  validation: { notExported: false },
  logLevel: "Warn",
  treatWarningsAsErrors: true,
});
app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
  for (const module of project.children ?? []) {
    module.name =
      entries.get(`src/${module.name}.ts`) ?? entries.get(`src/${module.name}/index.ts`);
  }
});
// A constructor's heading is of its class, so links to it would lead nowhere.
app.renderer.on(MarkdownPageEvent.END, (page) => {
  page.contents = page.contents.replaceAll(/\[(`[^`]+`)\]\([^)]*#api-constructor[^)]*\)/g, "$1");
});
app.renderer.on(MarkdownPageEvent.END, (page) => {
  if (page.url !== "index.md") return;
  page.contents += `\n\`${name}/ws\` has the API of the npm package \`ws\`: [what it covers](../ws.md).\n`;
});

const project = await app.convert();
if (project !== undefined) await app.generateOutputs(project);
process.exitCode =
  project === undefined || app.logger.hasWarnings() || app.logger.hasErrors() ? 1 : 0;
