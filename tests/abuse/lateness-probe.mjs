import { openSync, readSync, writeSync } from "node:fs";

// Preloaded into a server's process (`node --import`): says on file descriptor 3, once a second, by
// how much the event loop was late at most, as JSON in a line.

const STEP_MS = 10;
const REPORT_MS = 1_000;
const REPORT_FD = 3;

/** Of the main thread: its time on a core, and its time waiting for one, in ns. */
const schedule = openSync("/proc/self/schedstat");
const buffer = Buffer.alloc(128);

let worst = { lateMs: 0, waitedMs: 0 };
let tickedAt = performance.now();
let waitedMs = waitedForACore();
let reportedAt = tickedAt;
next();

function next() {
  setTimeout(tick, STEP_MS).unref();
}

function tick() {
  const now = performance.now();
  const waited = waitedForACore();
  const lateMs = now - tickedAt - STEP_MS;
  // A machine that is busy with other processes is not the server's doing.
  const own = lateMs - (waited - waitedMs);
  if (own > worst.lateMs - worst.waitedMs) worst = { lateMs, waitedMs: waited - waitedMs };
  [tickedAt, waitedMs] = [now, waited];
  if (now - reportedAt >= REPORT_MS) report(now);
  next();
}

function report(now) {
  reportedAt = now;
  try {
    writeSync(REPORT_FD, `${JSON.stringify(worst)}\n`);
  } catch (error) {
    // Nobody is there any more who could end this server.
    if (error.code === "EPIPE") process.exit(1);
  }
  worst = { lateMs: 0, waitedMs: 0 };
}

function waitedForACore() {
  const length = readSync(schedule, buffer, 0, buffer.length, 0);
  return Number(buffer.toString("latin1", 0, length).split(" ")[1]) / 1e6;
}
