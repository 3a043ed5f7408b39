import { fork } from "node:child_process";
import { once } from "node:events";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import type { Tally } from "./abuser.ts";
import { Bystander } from "./bystander.ts";
import { goal } from "./goal.ts";
import { reasonsToFail } from "./judge.ts";
import type { Measured } from "./measured.ts";
import type { Row, World } from "./row.ts";
import { startServer, type RunningTarget } from "./servers.ts";
import type { Target } from "./target.ts";

const WARM_UP_PUBLISHES = 20;
const WARM_UP_MS = 4_000;
const LOOK_MS = 250;
/** A row that has failed already is not waited for as long. */
const FAILED_RECOVERY_MS = 15_000;
/** An abuser that does not end by itself is ended. */
const ABUSER_GRACE_MS = 10_000;

export interface RunOptions {
  /** The folder whose `dist` is attacked. Default this package. */
  root?: string;
  /** Says when enough was seen; the row ends then. Default when its time is over. */
  isEnough?: (measured: Measured) => boolean;
  /** How long a row that has failed waits for the memory, in milliseconds. Default 15,000. */
  failedRecoveryMs?: number;
}

/** Runs a row with a server of its own. */
export async function runRow(row: Row, options: RunOptions = {}): Promise<Measured> {
  const { root = ".", failedRecoveryMs = FAILED_RECOVERY_MS } = options;
  const target = await startServer(row.server, root);
  const bystander = new Bystander(target);
  const own = monitorEventLoopDelay({ resolution: 10 });
  try {
    await warmUp(bystander, target);
    const idleMiB = target.process.residentMiB;
    const world: World = { target, bystander, notes: new Map() };
    await row.before?.(world);
    target.process.reset();
    bystander.reset();
    own.enable();
    let finding: string | undefined;
    const observe = (afterMiB: number, recoveryMs: number): Measured => ({
      row: row.name,
      idleMiB,
      highestMiB: target.process.highestMiB,
      afterMiB,
      recoveryMs,
      lateness: target.process.lateness,
      harnessLateMs: own.max / 1e6,
      bystander: bystander.seen,
      abuser: world.abuser,
      ending: target.process.ending,
      finding,
    });
    const isEnough = (): boolean => options.isEnough?.(observe(idleMiB, 0)) ?? false;
    if (row.move === undefined) await pause(row.seconds * 1_000);
    else world.abuser = await attack(row, target, isEnough);
    if (isEnough()) return observe(idleMiB, 0);
    if (target.process.ending === undefined) finding = await row.after?.(world);
    const hasFailed = reasonsToFail(row, observe(idleMiB, 0)).length > 0;
    const enoughMiB = idleMiB + goal.remainderMiB + (row.allowance?.mib ?? 0);
    const timeoutMs = hasFailed ? failedRecoveryMs : goal.recoveryMs;
    const { afterMiB, recoveryMs } = await recovery(target, enoughMiB, timeoutMs);
    await bystander.finish();
    return observe(afterMiB, recoveryMs);
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
    await bystander.publishOwn();
    await bystander.get(`/live/${target.bystanderTopic}`);
  }
  await pause(WARM_UP_MS);
}

async function attack(
  row: Row,
  server: RunningTarget,
  isEnough: () => boolean,
): Promise<Tally | undefined> {
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
    if (isLate || server.process.ending !== undefined || isEnough()) abuser.kill("SIGKILL");
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
  timeoutMs: number,
): Promise<{ afterMiB: number; recoveryMs: number }> {
  const leftAt = performance.now();
  let afterMiB = Infinity;
  let recoveryMs = 0;
  while (process.ending === undefined) {
    const { residentMiB } = process;
    const passedMs = performance.now() - leftAt;
    if (residentMiB > 0 && residentMiB < afterMiB) [afterMiB, recoveryMs] = [residentMiB, passedMs];
    if (afterMiB <= enoughMiB || passedMs > timeoutMs) break;
    await pause(LOOK_MS);
  }
  return { afterMiB: Number.isFinite(afterMiB) ? afterMiB : 0, recoveryMs };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
