import { afterAll, afterEach, expect, test, vi } from "vitest";
import { DiskBroker } from "../../../src/brokers/disk/index.ts";
import { keyedTopic, logTopic, type TopicEvent } from "../../../src/live/index.ts";
import { VirtualClock } from "../../rigs/clock/virtual-clock.ts";
import { DataFolder } from "../../rigs/brokers/disk-folder.ts";
import { DiskProcess, type Acknowledged } from "./disk-process.ts";

const rounds = Number(process.env["LONGWIRE_CRASH_ROUNDS"] ?? 20);
vi.setConfig({ testTimeout: 30_000 + rounds * 3_000 });
afterEach(() => DiskProcess.killAll());
afterAll(() => DataFolder.removeAll());

const names = ["log-a", "log-b", "keyed"];
const retention = { maxEvents: 1_000_000, maxBytes: 2 ** 40, maxAgeMs: 2 ** 40 };

/** From here on numbers are those of this process. */
const OWN = 1_000_000;

interface Written {
  run: number;
  n: number;
}

/** Reads all topics in this process; `check` may append to a topic before it is closed. */
async function look(
  folder: string,
  check: (
    events: TopicEvent[],
    name: string,
    append: (run: number, n: number) => Promise<{ offset: number; duplicate: boolean }>,
  ) => Promise<void>,
): Promise<string[]> {
  const broker = await DiskBroker.open({ folder });
  const epochs = [];
  for (const name of names) {
    const events: TopicEvent[] = [];
    const declare = name === "keyed" ? keyedTopic : logTopic;
    const topic = await broker.openTopic(declare(name, { retention }), (event) =>
      events.push(event),
    );
    epochs.push(topic.epoch);
    await check([...events], name, (run, n) => {
      const draft = { data: { run, n }, idempotencyKey: `${run}-${n}` };
      return topic.append(name === "keyed" ? { ...draft, key: `k${n % 7}` } : draft);
    });
  }
  await broker.close();
  return epochs;
}

test.each([true, false])(
  `killed at any point, ${rounds} times, with sync %s: what was acknowledged is there, once and in order`,
  async (sync) => {
    const { path: folder } = new DataFolder();
    const acknowledged: Acknowledged[][] = [];
    let epochs: string[] | undefined;
    for (let run = 0; run < rounds; run += 1) {
      const child = await DiskProcess.start(folder, { sync });
      child.load(names, run);
      await child.hasAcknowledged(1 + Math.floor(Math.random() * 400));
      await child.kill();
      acknowledged.push(child.acknowledged);
      const now = await look(folder, (events, name, append) =>
        checkTopic(events, { name, run, acknowledged, append }),
      );
      epochs ??= now;
      expect(now).toEqual(epochs);
    }
    await checkLeases(folder);
  },
);

/** Two hours later those keys are removed, and only those, that were set for an hour. */
async function checkLeases(folder: string): Promise<void> {
  const before = await stateOf(folder, new VirtualClock(Date.now()));
  const after = await stateOf(folder, new VirtualClock(Date.now() + 7_200_000));
  expect(before.size).toBeGreaterThan(0);
  for (const [key, { data, removed }] of before) {
    const { n = 0 } = (data ?? {}) as Partial<Written>;
    const isLeased = n < OWN && n % 3 === 0;
    expect([key, after.get(key)!.removed]).toEqual([key, removed || isLeased]);
  }
}

async function stateOf(folder: string, clock: VirtualClock): Promise<Map<string, TopicEvent>> {
  const broker = await DiskBroker.open({ folder, clock });
  const state = new Map<string, TopicEvent>();
  await broker.openTopic(keyedTopic("keyed", { retention }), (event) =>
    state.set(event.key ?? "", event),
  );
  await broker.close();
  return state;
}

async function checkTopic(
  events: TopicEvent[],
  {
    name,
    run,
    acknowledged,
    append,
  }: {
    name: string;
    run: number;
    acknowledged: Acknowledged[][];
    append: (run: number, n: number) => Promise<{ offset: number; duplicate: boolean }>;
  },
): Promise<void> {
  const own = acknowledged.map((all) => all.filter((one) => one.name === name));
  if (name === "keyed") checkKeys(events, own[run]!);
  else checkLog(events, own, run);
  const last = own[run]!.at(-1);
  if (last === undefined) return;
  // Repeated after the crash it is the first one, and so is what was there unacknowledged.
  expect(await append(run, last.n)).toEqual({ offset: last.offset, duplicate: true });
  const next = await append(run, OWN + run);
  expect(next).toEqual({ offset: expect.any(Number), duplicate: false });
  expect(next.offset).toBeGreaterThan(last.offset);
}

/** The events of a run are in the log without a hole, from the first one on, each once. */
function checkLog(events: TopicEvent[], own: Acknowledged[][], run: number): void {
  expect(events.map(({ offset }) => offset)).toEqual(events.map((_, at) => at + 1));
  const byOffset = new Map(events.map((event) => [event.offset, event.data as Written]));
  for (const [inRun, all] of own.entries()) {
    for (const { n, offset } of all) expect(byOffset.get(offset)).toMatchObject({ run: inRun, n });
  }
  const written = events
    .map(({ data }) => data as Written)
    .filter((data) => data.run === run && data.n < OWN);
  expect(written.map(({ n }) => n)).toEqual(written.map((_, at) => at + 1));
}

/** Each key has the newest that was acknowledged, or one that was asked for later. */
function checkKeys(events: TopicEvent[], own: Acknowledged[]): void {
  const newest = new Map(events.map((event) => [event.key, event]));
  expect(newest.size).toBe(events.length);
  for (const { n, offset } of own) {
    const event = newest.get(`k${n % 7}`)!;
    expect(event.offset).toBeGreaterThanOrEqual(offset);
    if (event.offset === offset) expect(event.removed).toBe(n % 11 === 0);
  }
}
