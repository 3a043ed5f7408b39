import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { run } from "./run.mjs";
import { once } from "./up-to-date.mjs";

/**
 * Installs a folder's locked packages, if they are missing or the lock has changed.
 *
 * @param folder with a `package-lock.json` of its own
 */
export function install(folder = ".") {
  const stamp = `installed/${folder.replaceAll(/[^a-z]+/g, "-")}`;
  if (!existsSync(join(folder, "node_modules/.package-lock.json"))) {
    rmSync(join(".cache", stamp), { force: true });
  }
  once(stamp, [join(folder, "package-lock.json")], () =>
    run(`installing packages${folder === "." ? "" : ` of ${folder}`}`, "npm", [
      "ci",
      "--prefix",
      folder,
      // The build needs them, also where the environment says "production".
      "--include=dev",
      "--no-audit",
      "--no-fund",
    ]),
  );
}
