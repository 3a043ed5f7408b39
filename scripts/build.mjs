import { existsSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { install } from "./install.mjs";
import { run } from "./run.mjs";
import { once } from "./up-to-date.mjs";

const KERNELS = "tools/kernels";
const COMPILED_KERNELS = "src/node/compiled-kernels.ts";
const CONFIGURATION = ["package-lock.json", "tsconfig.json", "scripts/build.mjs"];

/** Builds what has changed: the kernels, the package, then the device monitor on top of it. */
export function build() {
  if (
    !existsSync("dist/ws/index.cjs") ||
    !existsSync("demo/dist/server") ||
    !existsSync("demo/dist/page")
  ) {
    rmSync(".cache/built", { recursive: true, force: true });
  }
  if (!existsSync(COMPILED_KERNELS)) rmSync(".cache/built/kernels", { force: true });
  const kernelSource = [
    `${KERNELS}/assembly`,
    `${KERNELS}/build.mjs`,
    `${KERNELS}/package-lock.json`,
  ];
  once("built/kernels", kernelSource, () => {
    install(KERNELS);
    run("building the kernels", process.execPath, [`${KERNELS}/build.mjs`, COMPILED_KERNELS]);
  });
  const tsc = "node_modules/.bin/tsc";
  // The second step takes away what it has read of the first one's, so both run or neither does.
  const wsSource = ["tsconfig.build.json", "src", "package.json", "scripts/ws-package.mjs"];
  once("built/package", [...CONFIGURATION, ...wsSource], () => {
    rmSync("dist", { recursive: true, force: true });
    run("building the package", tsc, ["-p", "tsconfig.build.json"]);
  });
  once("built/ws", [...CONFIGURATION, ...wsSource], () =>
    run("building the drop-in for ws", process.execPath, ["scripts/ws-package.mjs"]),
  );
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
