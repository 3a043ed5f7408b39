import { spawnSync } from "node:child_process";

/** Runs a command with its output shown only if it fails; ends the process then. */
export function run(what, command, args) {
  process.stderr.write(`${what} …\n`);
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (status === 0) return;
  process.stderr.write(`${stdout ?? ""}${stderr ?? ""}`);
  process.stderr.write(`longwire: ${what} failed${error ? ` (${error.message})` : ""}.\n`);
  process.exit(1);
}
