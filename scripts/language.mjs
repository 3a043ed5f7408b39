import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { proseOf } from "./language/prose.mjs";
import { findingsIn } from "./language/rules.mjs";

// A lint for English: it reports phrases in comments, strings and Markdown that a native engineer
// would not write, each with a suggestion.
//
//   node scripts/language.mjs                 everything
//   node scripts/language.mjs src/server      files or folders
//
// To allow a phrase, write `language-ok: <reason>` in a comment on its line or on the line before;
// for a whole file, `language-ok-file: <reason>`.

const DEFAULT = ["src", "tests", "demo", "scripts", "bench", "docs"];
const ROOT_PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"];
const CHECKED = /\.(?:ts|mjs|vue|md)$/;
/** Chinese pages are not for these rules. */
const SKIPPED = /\.zh-CN\.md$|^docs\/zh\//;

const given = process.argv.slice(2);
if (given.length === 0) process.chdir(new URL("..", import.meta.url).pathname);
const paths = given.length > 0 ? given : [...DEFAULT, ...ROOT_PAGES];

const files = paths
  .flatMap(filesIn)
  .filter((name) => CHECKED.test(name) && !SKIPPED.test(name) && existsSync(name));
let count = 0;
for (const file of files) {
  const { pieces, allowed, exempt } = proseOf(file, readFileSync(file, "utf8"));
  if (exempt) continue;
  for (const { line, rule, found, suggestion } of pieces.flatMap(findingsIn)) {
    if (allowed.has(line)) continue;
    count += 1;
    console.log(`${file}:${line}: ${rule} (${JSON.stringify(found)}): ${suggestion}`);
  }
}
console.log(`${files.length} files, ${count} findings`);
process.exitCode = count === 0 ? 0 : 1;

/** The files of the repository at `path`, because others are generated; outside of it, all files. */
function filesIn(path) {
  const { status, stdout } = spawnSync(
    "git",
    ["ls-files", "-co", "--exclude-standard", "--", path],
    { encoding: "utf8" },
  );
  if (status === 0) return stdout.split("\n");
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { encoding: "utf8", recursive: true }).map((name) => join(path, name));
}
