import { existsSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { run } from "./run.mjs";
import { once } from "./up-to-date.mjs";

const CONFIGURATION = ["package-lock.json", "tsconfig.json", "scripts/build.mjs"];

/** Builds what has changed: the package, then the device monitor on top of it. */
export function build() {
  if (!existsSync("dist") || !existsSync("demo/dist/server") || !existsSync("demo/dist/page")) {
    rmSync(".cache/built", { recursive: true, force: true });
  }
  const tsc = "node_modules/.bin/tsc";
  once("built/package", [...CONFIGURATION, "tsconfig.build.json", "src"], () => {
    rmSync("dist", { recursive: true, force: true });
    run("building the package", tsc, ["-p", "tsconfig.build.json"]);
  });
  once("built/monitor-server", [...CONFIGURATION, "src", "demo/server"], () => {
    rmSync("demo/dist/server", { recursive: true, force: true });
    run("building the monitor's server", tsc, ["-p", "demo/server/tsconfig.json"]);
  });
  once("built/monitor-page", [...CONFIGURATION, "src", "demo/page", "demo/server/topics.ts"], () =>
    run("building the monitor's page", "node_modules/.bin/vite", [
      "build",
      "--config",
      "demo/page/vite.config.ts",
    ]),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) build();
