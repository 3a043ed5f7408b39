import { spawnSync } from "node:child_process";
import { build } from "./build.mjs";
import { install } from "./install.mjs";
import { run } from "./run.mjs";
import { installPrograms } from "./system-programs.mjs";
import { once } from "./up-to-date.mjs";

const help = `npm run abuse -- [--row NAME]... [--list] [--json FILE]
npm run abuse -- --without-guards [--row NAME]... [--json FILE]

One client attacks a server: at most 100 connections, one payer. Each row of the catalogue
(tests/abuse) starts a server in a process of its own, an abuser in another, and a bystander here,
who publishes and asks for /healthz. A row fails when the server's memory grows too far or stays,
when its event loop is late, or when the bystander waits too long; docs/concepts/security.md has the figures.

  --row NAME        only this row; may be repeated; every row whose name starts so
  --list            lists the rows and ends
  --json FILE       writes what was measured
  --without-guards  runs each row against a copy of the built code that its guards are taken out
                    of, as tests/abuse/guards says; a row that does not fail then proves nothing,
                    and the command ends with 1`;

const args = process.argv.slice(2);
if (args.includes("--help") || args.includes("-h")) {
  console.log(help);
  process.exit(0);
}
// The path given to --json is relative to the user's folder.
const cwd = process.cwd();
process.chdir(new URL("..", import.meta.url).pathname);
install();
const tsc = "node_modules/.bin/tsc";
once("built/abuse", ["tsconfig.json", "tests/abuse", "tests/rigs"], () =>
  run("building the catalogue of abuse", tsc, ["-p", "tests/abuse/tsconfig.json"]),
);
if (!args.includes("--list")) {
  installPrograms(["openssl", "redis-server", "nats-server"]);
  build();
}
const { status } = spawnSync(process.execPath, [".cache/abuse/abuse/main.js", ...args], {
  stdio: "inherit",
  env: { ...process.env, LONGWIRE_CALLED_FROM: cwd },
});
process.exitCode = status ?? 1;
