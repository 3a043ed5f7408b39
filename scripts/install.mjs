import { existsSync, rmSync } from "node:fs";
import { run } from "./run.mjs";
import { once } from "./up-to-date.mjs";

/** Installs the locked packages, if they are missing or the lock has changed. */
export function install() {
  if (!existsSync("node_modules/.package-lock.json")) rmSync(".cache", { recursive: true, force: true });
  once("installed", ["package-lock.json"], () =>
    run("installing packages", "npm", ["ci", "--no-audit", "--no-fund"]),
  );
}
