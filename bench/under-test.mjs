import { answerRequests, NotSupported } from "./answering.mjs";
import { residentKib } from "./memory.mjs";
import { startProfile, takeProfile } from "./profile.mjs";

// The process whose cost is measured: one contender in one role.

const [, , name] = process.argv;
const { default: contender } = await import(`./contenders/${name}.mjs`);
let commands = {};

answerRequests(async ({ command, role, options }) => {
  if (command === "start") {
    const start = contender.roles[role];
    if (start === undefined) throw new NotSupported(`no ${role}`);
    const started = await start(options);
    commands = started?.commands ?? {};
    return { port: started?.port };
  }
  if (command === "collect") return collected();
  if (command === "profile") return startProfile();
  if (command === "profiled") return takeProfile(options);
  return commands[command](options);
});

/**
 * What is in memory after all garbage is gone, in KiB.
 *
 * What has settled is without V8's young generation: it is empty then, and keeps a size that jumps between 1 and 32 MiB
 * with what happened before, which would be 3 KiB more or less for each of 10,000 connections.
 */
async function collected() {
  for (let pass = 0; pass < 3; pass += 1) {
    if (globalThis.Bun === undefined) globalThis.gc();
    else globalThis.Bun.gc(true);
    // Sockets and buffers are released in a later turn than their objects.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const young = globalThis.Bun === undefined ? await youngGenerationBytes() : 0;
  const residentNow = residentKib(process.pid);
  return { settledKib: residentNow - young / 1024, residentKib: residentNow };
}

async function youngGenerationBytes() {
  const { getHeapSpaceStatistics } = await import("node:v8");
  const spaces = getHeapSpaceStatistics().filter((space) => space.space_name === "new_space");
  return spaces[0].physical_space_size;
}
