import { existsSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { install } from "./install.mjs";
import { run } from "./run.mjs";
import { once } from "./up-to-date.mjs";

const KERNEL = "tools/deflate-kernel";
const KERNEL_BYTES = "src/node/deflate/deflate-kernel-bytes.ts";
const CONFIGURATION = ["package-lock.json", "tsconfig.json", "scripts/build.mjs"];

/** Builds what has changed: the kernel, the package, then the device monitor on top of it. */
export function build() {
  if (!existsSync("dist") || !existsSync("demo/dist/server") || !existsSync("demo/dist/page")) {
    rmSync(".cache/built", { recursive: true, force: true });
  }
  if (!existsSync(KERNEL_BYTES)) rmSync(".cache/built/kernel", { force: true });
  const kernelSource = [`${KERNEL}/assembly`, `${KERNEL}/build.mjs`, `${KERNEL}/package-lock.json`];
  once("built/kernel", kernelSource, () => {
    install(KERNEL);
    run("building the kernel that compresses", process.execPath, [
      `${KERNEL}/build.mjs`,
      KERNEL_BYTES,
    ]);
  });
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
