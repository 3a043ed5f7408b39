import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { build } from "./build.mjs";
import { install } from "./install.mjs";

const help = `node scripts/nodes.mjs [22] [24] [26] [tests/…]

Runs the suites that touch sockets and zlib on other versions of Node (tools/nodes), each as it is and
with LONGWIRE_PUBLIC_API_ONLY=1. Without a version all of them and this one, without a folder:`;

const SUITES = [
  "node",
  "protocol",
  "server",
  "client",
  "hardening",
  "interop",
  "conformance",
  "live",
  "ws",
];

process.chdir(new URL("..", import.meta.url).pathname);

const args = process.argv.slice(2);
const versions = args.filter((arg) => /^\d+$/.test(arg));
const folders = args.filter((arg) => arg.startsWith("tests/"));
// With the slash, or tests/node would be tests/nodes, too, which runs all of them itself.
const suites = folders.length > 0 ? folders : SUITES.map((name) => `tests/${name}/`);

if (versions.length + folders.length < args.length) {
  console.log(`${help}\n${suites.join(" ")}`);
  process.exit(args.includes("--help") ? 0 : 1);
}

install();
install("tools/nodes");
build();

const rows = [];
for (const [name, program] of chosenNodes()) {
  for (const publicApiOnly of ["", "1"]) rows.push(runSuites(name, program, publicApiOnly));
}
console.table(rows);
process.exitCode = rows.every(({ exit, failed }) => exit === 0 && failed === 0) ? 0 : 1;

function chosenNodes() {
  const { optionalDependencies } = JSON.parse(readFileSync("tools/nodes/package.json", "utf8"));
  const others = Object.keys(optionalDependencies).map((alias) => [
    alias.replace("node-", ""),
    resolve("tools/nodes/node_modules", alias, "bin/node"),
  ]);
  const all = [[process.versions.node.split(".")[0], process.execPath], ...others];
  if (versions.length === 0) return all;
  return versions.map((version) => {
    const found = all.find(([name]) => name === version);
    if (found !== undefined) return found;
    console.error(
      `longwire: there is no Node ${version} here, only ${all.map(([name]) => name).join(", ")}.`,
    );
    process.exit(1);
  });
}

function runSuites(name, program, publicApiOnly) {
  const position = publicApiOnly === "1" ? "public API only" : "as it is";
  console.log(`\nNode ${name}, ${position}`);
  const report = `.cache/nodes-${name}${publicApiOnly}.json`;
  mkdirSync(".cache", { recursive: true });
  rmSync(report, { force: true });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const { status } = spawnSync(
    program,
    ["node_modules/vitest/vitest.mjs", "run", ...suites, ...reporters],
    {
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, LONGWIRE_PUBLIC_API_ONLY: publicApiOnly },
    },
  );
  const { numPassedTests: passed, numFailedTests: failed } = readReport(report);
  return { node: name, position, passed, failed, exit: status };
}

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return { numPassedTests: 0, numFailedTests: 0 };
  }
}
