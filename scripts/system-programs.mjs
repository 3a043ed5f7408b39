import { spawnSync } from "node:child_process";
import { run } from "./run.mjs";

/** The programs that the tests run, and the Debian packages that contain them. */
const PACKAGES = {
  chromium: "chromium",
  "firefox-esr": "firefox-esr",
  curl: "curl",
  tmux: "tmux",
  openssl: "openssl",
  "redis-server": "redis-server",
  "nats-server": "nats-server",
  haproxy: "haproxy",
};

/** Installs the programs that the tests need, or says what to install. */
export function installPrograms(programs = Object.keys(PACKAGES)) {
  const missing = programs.filter((program) => !isThere(program));
  if (missing.length === 0) return;
  const packages = missing.map((program) => PACKAGES[program]);
  if (process.getuid?.() !== 0 || !isThere("apt-get")) {
    console.error(
      `longwire: this needs ${missing.join(", ")}; install ${packages.join(" ")} (on Debian: apt-get install ${packages.join(" ")}) and try again.`,
    );
    process.exit(1);
  }
  process.env.DEBIAN_FRONTEND = "noninteractive";
  run("reading Debian's package lists", "apt-get", ["update"]);
  run(`installing ${packages.join(", ")}`, "apt-get", [
    "install",
    "-y",
    "--no-install-recommends",
    ...packages,
  ]);
}

function isThere(program) {
  return spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
}
