import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { build } from "./build.mjs";
import { install } from "./install.mjs";
import { installPrograms } from "./system-programs.mjs";

process.chdir(new URL("..", import.meta.url).pathname);

install();
install("tools/vue-types");
install("tools/nodes");
install("tools/site");
install("tools/api-docs");
installPrograms();
build();
// Not before: what replaces ws in them is built.
install("tools/dependents");

const LANGUAGE_CHECKED = ["src", "tests", "scripts", "bench", "demo", "docs"].concat([
  "README.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
]);

const CHECKS = {
  format: ["oxfmt", "--check"],
  layers: ["node", "scripts/layers.mjs"],
  language: ["node", "scripts/language.mjs", ...LANGUAGE_CHECKED],
  lint: ["oxlint", "--type-aware", "src", "tests", "demo", "scripts"],
  types: ["tsc", "-p", "tsconfig.json"],
  "types of the page": [
    "../../tools/vue-types/node_modules/.bin/vue-tsc",
    "--noEmit",
    "-p",
    "tools/vue-types/tsconfig.json",
  ],
  "types of the site": [
    "../../tools/vue-types/node_modules/.bin/vue-tsc",
    "--noEmit",
    "-p",
    "tools/site/tsconfig.json",
  ],
  "unused code": ["knip"],
  "package contents": ["publint", "--strict"],
  // Also as TypeScript's older resolution finds them (moduleResolution: node); ESM alone is meant.
  "package types": ["attw", "--pack", ".", "--ignore-rules", "cjs-resolves-to-esm"],
  "contents of longwire-ws": ["publint", "--strict", "packages/ws"],
  "types of longwire-ws": ["attw", "--pack", "packages/ws"],
};

let passed = 0;
let failed = 0;

// Two at a time, on two cores.
const waiting = Object.entries(CHECKS);
await Promise.all([runChecks(), runChecks()]);

const report = ".cache/vitest.json";
mkdirSync(".cache", { recursive: true });
rmSync(report, { force: true });
const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
spawnSync("node_modules/.bin/vitest", ["run", ...reporters, ...process.argv.slice(2)], {
  stdio: ["ignore", "inherit", "inherit"],
});
const results = readResults(report);
passed += results.numPassedTests;
// A file that fails to load has no tests, and must not pass for that.
failed += Math.max(results.numFailedTests, results.numFailedTestSuites > 0 ? 1 : 0);
const unrun = results.numPendingTests + results.numTodoTests;
if (unrun > 0) {
  failed += unrun;
  console.log(`FAILED  ${unrun} tests were skipped; every test runs or goes.`);
}

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

async function runChecks() {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const [name, [program, ...args]] = next;
    const started = performance.now();
    const file = program === "node" ? process.execPath : `node_modules/.bin/${program}`;
    const { isGood, output } = await outcomeOf(file, args);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    if (isGood) passed += 1;
    else failed += 1;
    console.log(`${isGood ? "passed" : "FAILED"}  ${name} (${seconds} s)`);
    if (!isGood) console.log(output);
  }
}

function outcomeOf(file, args) {
  return new Promise((resolve) => {
    execFile(file, args, { encoding: "utf8", maxBuffer: Infinity }, (error, stdout, stderr) =>
      resolve({ isGood: error === null, output: `${stdout}${stderr}` }),
    );
  });
}

function readResults(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    console.log("FAILED  the test runner left no results.");
    const nothing = { numPassedTests: 0, numFailedTests: 1, numFailedTestSuites: 0 };
    return { ...nothing, numPendingTests: 0, numTodoTests: 0 };
  }
}
