/**
 * What the built package does over real sockets, checked on the Node that runs this; see
 * nodes.test.ts. `--no-node-internals` sets the option of that name to false. Prints a line for
 * each check that fails, and the process must end by itself.
 */
import "./spies.mjs";
import { attached } from "./checks/attached.mjs";
import { compression } from "./checks/compression.mjs";
import { endings } from "./checks/endings.mjs";
import { flow } from "./checks/flow.mjs";
import { handshakes } from "./checks/handshakes.mjs";
import { live } from "./checks/live.mjs";
import { messages } from "./checks/messages.mjs";
import { positions } from "./checks/positions.mjs";
import { Stage } from "./stage.mjs";

/** For one check; a busy machine needs less than one of them. */
const DEADLINE_MS = 15_000;

const checks = {
  // The first of them watches what is called for the first time.
  ...positions,
  ...messages,
  ...compression,
  ...handshakes,
  ...attached,
  ...flow,
  ...endings,
  ...live,
};

process.on("unhandledRejection", (error) => fail("unhandled rejection", error));
process.on("uncaughtException", (error) => fail("uncaught exception", error));

for (const [name, check] of Object.entries(checks)) await run(name, check);

// A resource that a failed check left open is not a further failure.
if (process.exitCode === 1) process.exit();
setTimeout(() => {
  fail("the process ends by itself", `open: ${process.getActiveResourcesInfo().join(", ")}`);
  process.exit();
}, DEADLINE_MS).unref();

async function run(name, check) {
  const started = performance.now();
  const stage = new Stage();
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("it does not end")), DEADLINE_MS);
  });
  try {
    await Promise.race([check(stage).then(() => stage.clear()), late]);
  } catch (error) {
    fail(name, error);
  } finally {
    clearTimeout(timer);
  }
  if (process.argv.includes("--times"))
    console.log(`${Math.round(performance.now() - started)} ms  ${name}`);
}

function fail(name, error) {
  process.exitCode = 1;
  const lines = String(error?.message ?? error).split("\n");
  console.log(
    `FAILED  ${name}: ${lines
      .filter((line) => line !== "")
      .slice(0, 6)
      .join(" | ")}`,
  );
}
