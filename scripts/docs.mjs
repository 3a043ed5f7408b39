import { spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { install } from "./install.mjs";
import { run } from "./run.mjs";
import { once } from "./up-to-date.mjs";

// The docs as a site.
//
//   node scripts/docs.mjs build    writes it into .cache/site; what follows goes to VitePress,
//                                  such as --base /docs/ or --outDir FOLDER
//   node scripts/docs.mjs dev      serves it, and follows changes of docs/

const API = "docs/reference/api";

/** Installs what the site is built with, and writes the pages that come from the sources. */
export function prepareDocs() {
  install("tools/site");
  install("tools/api-docs");
  if (!existsSync(`${API}/index.md`)) rmSync(".cache/built/api-docs", { force: true });
  const sources = ["src", "package.json", "tsconfig.json", "scripts/docs.mjs", "tools/api-docs"];
  once("built/api-docs", sources, () => {
    install();
    rmSync(API, { recursive: true, force: true });
    run("writing the API reference", process.execPath, ["tools/api-docs/main.mjs", API]);
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.chdir(fileURLToPath(new URL("..", import.meta.url)));
  prepareDocs();
  const [command = "build", ...options] = process.argv.slice(2);
  const vitepress = "tools/site/node_modules/vitepress/bin/vitepress.js";
  const child = spawn(process.execPath, [vitepress, command, "tools/site", ...options], {
    stdio: "inherit",
  });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.once("exit", (code) => (process.exitCode = code ?? 1));
}
