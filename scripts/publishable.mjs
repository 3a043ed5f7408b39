import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

// The fields that only the owner of the package can fill in: where its sources are, where to report an error,
// and where its documentation is. `npm publish` is refused until package.json has all of it.

const NEEDED = ["repository", "bugs", "homepage"];

/** The names of the fields of `manifest` that are not set. */
export function unsetFields(manifest) {
  return NEEDED.filter((name) => manifest[name] === undefined || manifest[name] === "");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const unset = unsetFields(manifest);
  if (unset.length > 0) {
    console.error(`package.json has no ${unset.join(", ")}; set them before you publish.`);
    process.exitCode = 1;
  }
}
