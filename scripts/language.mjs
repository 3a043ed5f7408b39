import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
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

// What is not in the repository is built from what is.
const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "--", ...paths]);
const files = listed
  .toString()
  .split("\n")
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
