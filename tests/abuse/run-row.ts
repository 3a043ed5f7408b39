import { fork } from "node:child_process";
import { once } from "node:events";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import type { Tally } from "./abuser.ts";
import { Bystander, type Seen } from "./bystander.ts";
import { goal } from "./goal.ts";
import type { Row, World } from "./row.ts";
import type { Lateness } from "./server-process.ts";
import { startServer, type RunningTarget } from "./servers.ts";
import type { Target } from "./target.ts";

const WARM_UP_PUBLISHES = 20;
const WARM_UP_MS = 4_000;
const LOOK_MS = 250;
/** An abuser that does not end by itself is ended. */
const ABUSER_GRACE_MS = 10_000;

/** What was seen of a row. */
export interface Measured {
  row: string;
  idleMiB: number;
  highestMiB: number;
  /** The least after the abuser had left. */
  afterMiB: number;
  /** How long after that it took until so little was held again. */
  recoveryMs: number;
  lateness: Lateness;
  /** How late this process was: a measure for how busy the machine is. */
  harnessLateMs: number;
  bystander: Seen;
  /** What the abuser says of itself; nothing if there was none, or if it had to be ended. */
  abuser: Tally | undefined;
  /** Why the server has ended, if it has. */
  ending: string | undefined;
  /** What the row's own check found. */
  finding: string | undefined;
}

/** Runs a row with a server of its own. */
export async function runRow(row: Row): Promise<Measured> {
  const target = await startServer(row.server);
  const bystander = new Bystander(target);
  const own = monitorEventLoopDelay({ resolution: 10 });
  try {
    await warmUp(bystander, target);
    const idleMiB = target.process.residentMiB;
    const world: World = { target, bystander, notes: new Map() };
    await row.before?.(world);
    target.process.forget();
    bystander.forget();
    own.enable();
    let abuser: Tally | undefined;
    if (row.move === undefined) await pause(row.seconds * 1_000);
    else abuser = await attack(row, target);
    const finding = target.process.ending === undefined ? await row.after?.(world) : undefined;
    const enoughMiB = idleMiB + goal.remainderMiB + (row.allowance?.mib ?? 0);
    const { afterMiB, recoveryMs } = await recovery(target, enoughMiB);
    return {
      ...{ row: row.name, idleMiB, afterMiB, recoveryMs, abuser, finding },
      highestMiB: target.process.highestMiB,
      lateness: target.process.lateness,
      harnessLateMs: own.max / 1e6,
      bystander: bystander.seen,
      ending: target.process.ending,
    };
  } finally {
    own.disable();
    bystander.close();
    await target.stop();
  }
}

/** Until code is compiled and the heap has its shape. */
async function warmUp(bystander: Bystander, target: RunningTarget): Promise<void> {
  await bystander.start();
  for (let at = 0; at < WARM_UP_PUBLISHES; at += 1) {
    // oxlint-disable-next-line no-await-in-loop
    await bystander.publishOwn();
    // oxlint-disable-next-line no-await-in-loop
    await bystander.get(`/live/${target.bystanderTopic}`);
  }
  await pause(WARM_UP_MS);
}

async function attack(row: Row, server: RunningTarget): Promise<Tally | undefined> {
  const { kind, host, port, isTls, asksForToken, bystanderTopic } = server;
  const target: Target = { kind, host, port, isTls, asksForToken, bystanderTopic };
  const program = fileURLToPath(new URL("abuser-process.js", import.meta.url));
  const abuser = fork(program, [row.name, JSON.stringify(target)]);
  const gone = once(abuser, "exit");
  let tally: Tally | undefined;
  abuser.once("message", (message) => (tally = message as Tally));
  const endsAt = performance.now() + row.seconds * 1_000 + ABUSER_GRACE_MS;
  const watch = setInterval(() => {
    const isLate = performance.now() > endsAt;
    if (isLate || server.process.ending !== undefined) abuser.kill("SIGKILL");
  }, LOOK_MS);
  const [code] = (await gone) as [number | null];
  clearInterval(watch);
  if (code !== 0 && code !== null) throw new Error(`The abuser of ${row.name} has failed.`);
  return tally;
}

/** Waits until no more than that is resident, or time is over. */
async function recovery(
  { process }: RunningTarget,
  enoughMiB: number,
): Promise<{ afterMiB: number; recoveryMs: number }> {
  const leftAt = performance.now();
  let afterMiB = Infinity;
  let recoveryMs = 0;
  while (process.ending === undefined) {
    const { residentMiB } = process;
    const passedMs = performance.now() - leftAt;
    if (residentMiB > 0 && residentMiB < afterMiB) [afterMiB, recoveryMs] = [residentMiB, passedMs];
    if (afterMiB <= enoughMiB || passedMs > goal.recoveryMs) break;
    // oxlint-disable-next-line no-await-in-loop
    await pause(LOOK_MS);
  }
  // So that what was asked for last has its answer, or is known to have none.
  if (process.ending === undefined) await pause(1_500);
  return { afterMiB: Number.isFinite(afterMiB) ? afterMiB : 0, recoveryMs };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
