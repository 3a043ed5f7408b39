import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const battery = resolve(import.meta.dirname, "battery.mjs");
const tools = resolve(import.meta.dirname, "../../tools/nodes");

const positions = [
  { position: "as it is", flags: [], env: "" },
  { position: "with LONGWIRE_PUBLIC_API_ONLY=1", flags: [], env: "1" },
  { position: "with nodeInternals: false", flags: ["--no-node-internals"], env: "" },
];

const runs = installedNodes().flatMap(({ name, program }) =>
  positions.map((position) => ({ name, program, ...position })),
);

test.concurrent.each(runs)(
  "$name $position: every check over real sockets passes, and the process ends by itself",
  async ({ program, flags, env }) => {
    // The battery asks for a path that there is not, of which the server tells once.
    const args = ["--disable-warning=unknown_path", battery, ...flags];
    expect(await run(program, args, env)).toEqual({ failed: false, output: "" });
  },
  180_000,
);

/** This Node, and those that tools/nodes has for this platform. */
function installedNodes(): { name: string; program: string }[] {
  const here = { name: `Node ${process.version}`, program: process.execPath };
  // The registry has them for others, too, each under a name of its own.
  if (process.platform !== "linux" || process.arch !== "x64") return [here];
  const text = readFileSync(join(tools, "package.json"), "utf8");
  const { optionalDependencies } = JSON.parse(text) as {
    optionalDependencies: Record<string, string>;
  };
  const others = Object.entries(optionalDependencies).map(([alias, version]) => ({
    name: `Node v${version.slice(version.lastIndexOf("@") + 1)}`,
    program: join(tools, "node_modules", alias, "bin/node"),
  }));
  return [here, ...others];
}

function run(
  program: string,
  args: readonly string[],
  publicApiOnly: string,
): Promise<{ failed: boolean; output: string }> {
  const env = { ...process.env, LONGWIRE_PUBLIC_API_ONLY: publicApiOnly };
  return new Promise((resolve) => {
    const options = { env, timeout: 150_000, encoding: "utf8" } as const;
    execFile(program, [...args], options, (error, stdout, stderr) =>
      resolve({ failed: error !== null, output: stdout + stderr }),
    );
  });
}
