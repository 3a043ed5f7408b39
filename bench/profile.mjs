import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

let session;

/** Begins to take samples of what this process does. */
export async function startProfile() {
  const { Session } = await import("node:inspector/promises");
  session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: 250 });
  await session.post("Profiler.start");
}

/**
 * Writes them, for a browser's developer tools, if they were begun.
 *
 * @param {string} path
 * @returns {Promise<{ name: string, share: number }[]>} where the time went, the most first; what
 *   the kernel does is in `(program)` or in the function that called it
 */
export async function takeProfile(path) {
  const { profile } = await session.post("Profiler.stop");
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(profile));
  const own = new Map();
  let all = 0;
  for (const { callFrame, hitCount } of profile.nodes) {
    if (callFrame.functionName === "(idle)") continue;
    const name = nameOf(callFrame);
    own.set(name, (own.get(name) ?? 0) + hitCount);
    all += hitCount;
  }
  return [...own]
    .map(([name, hits]) => ({ name, share: hits / all }))
    .sort((a, b) => b.share - a.share)
    .slice(0, 20);
}

function nameOf({ functionName, url, lineNumber }) {
  const name = functionName || "(anonymous)";
  if (url === "") return name;
  return `${name}  ${url.replace(/^.*\/(dist|node_modules)\//, "")}:${lineNumber + 1}`;
}
