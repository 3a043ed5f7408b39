import { cpSync, readdirSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { DiskBroker, type DiskBrokerOptions } from "../../../src/brokers/disk/index.ts";
import {
  keyedTopic,
  logTopic,
  type BrokerTopic,
  type TopicDeclaration,
  type TopicEvent,
} from "../../../src/live/index.ts";
import { VirtualClock } from "../../rigs/clock/virtual-clock.ts";
import { DataFolder } from "../../rigs/brokers/disk-folder.ts";
import { countRecords, withRecords } from "./disk-records.ts";
import { holdNextWrite } from "./disk-writes.ts";
import { eventually } from "../../rigs/clock/eventually.ts";

const machine = vi.hoisted(() => ({ boot: "first" }));
vi.mock("../../../src/brokers/disk/boot-id.ts", () => ({
  bootId: () => Promise.resolve(machine.boot),
}));
beforeEach(() => {
  machine.boot = "first";
});
afterAll(() => DataFolder.removeAll());

const ignore = (): void => {};

interface Opened {
  topic: BrokerTopic;
  seen: TopicEvent[];
  plain: () => string[];
}

async function openTopic(broker: DiskBroker, declaration: TopicDeclaration): Promise<Opened> {
  const seen: TopicEvent[] = [];
  const topic = await broker.openTopic(declaration, (event) => seen.push(event));
  const plain = (): string[] =>
    seen.map(({ key, json, removed }) => `${key ?? ""}=${removed ? "removed" : json}`);
  return { topic, seen, plain };
}

/** A broker with a clock of its own, that can be ended and come back. */
class Machine {
  readonly clock: VirtualClock = new VirtualClock();
  readonly #options: Omit<DiskBrokerOptions, "folder">;
  folder: string = new DataFolder().path;
  broker!: DiskBroker;

  private constructor(options: Omit<DiskBrokerOptions, "folder">) {
    this.#options = options;
  }

  static async start(options: Omit<DiskBrokerOptions, "folder"> = {}): Promise<Machine> {
    const machine = new Machine(options);
    await machine.open();
    return machine;
  }

  async open(): Promise<void> {
    const { folder, clock } = this;
    this.broker = await DiskBroker.open({ folder, clock, ...this.#options });
  }

  /** Ends and begins again, `ms` later. */
  async restart(ms = 0): Promise<void> {
    await this.broker.close();
    this.clock.advance(ms);
    await this.open();
  }

  /** Copies the folder as it is now, as if the process were killed, and opens the copy. */
  async killAndStart(): Promise<void> {
    const { path } = new DataFolder();
    cpSync(this.folder, path, { recursive: true });
    await this.broker.close();
    this.folder = path;
    await this.open();
  }
}

describe.each(["restart", "killAndStart"] as const)("after %s", (again) => {
  test("a topic has the same epoch, offsets, events and floor, and continues", async () => {
    const machine = await Machine.start();
    const declaration = logTopic("t", { retention: { maxEvents: 3 } });
    const before = await openTopic(machine.broker, declaration);
    for (let n = 1; n <= 12; n += 1) await before.topic.append({ data: n });
    await machine[again]();
    const { topic, seen } = await openTopic(machine.broker, declaration);
    expect([topic.epoch, topic.offset, topic.floor]).toEqual([before.topic.epoch, 12, 9]);
    const plain = ({ offset, key, json, removed, at }: TopicEvent): object => {
      return { offset, key, json, removed, at };
    };
    expect(seen.map(plain)).toEqual(before.seen.slice(-3).map(plain));
    expect(await topic.append({ data: 13 })).toEqual({ offset: 13, duplicate: false });
    await machine.broker.close();
  });

  test("a topic that was never written to has the same epoch", async () => {
    const machine = await Machine.start();
    const { epoch } = (await openTopic(machine.broker, logTopic("t"))).topic;
    await machine[again]();
    expect((await openTopic(machine.broker, logTopic("t"))).topic.epoch).toBe(epoch);
    await machine.broker.close();
  });

  test("a keyed topic has the newest value of each key, and the removals", async () => {
    const machine = await Machine.start();
    const { topic } = await openTopic(machine.broker, keyedTopic("t"));
    for (let n = 0; n < 100; n += 1) await topic.append({ key: `k${n % 3}`, data: n });
    await topic.append({ key: "k1", removed: true });
    await machine[again]();
    const { plain } = await openTopic(machine.broker, keyedTopic("t"));
    expect(plain()).toEqual(["k2=98", "k0=99", "k1=removed"]);
    await machine.broker.close();
    expect(await countRecords(machine.folder)).toEqual({ store: 1, batch: 1, topic: 1, event: 3 });
  });

  test("ifNewest compares with the stored offsets", async () => {
    const machine = await Machine.start();
    const before = await openTopic(machine.broker, keyedTopic("t"));
    const { offset } = await before.topic.append({ key: "a", data: 1 });
    await machine[again]();
    const { topic } = await openTopic(machine.broker, keyedTopic("t"));
    const wrong = topic.append({ key: "a", data: 2, ifNewest: offset + 1 });
    await expect(wrong).rejects.toMatchObject({ code: "conflict" });
    expect(await topic.append({ key: "a", data: 2, ifNewest: offset })).toMatchObject({
      offset: offset + 1,
    });
    await machine.broker.close();
  });
});

describe("an idempotency key", () => {
  test("is recognized for five minutes across a restart, even if its event is gone", async () => {
    const machine = await Machine.start();
    const declaration = logTopic("t", { retention: { maxEvents: 1 } });
    const { topic } = await openTopic(machine.broker, declaration);
    const draft = { data: 1, idempotencyKey: "k" };
    const { offset } = await topic.append(draft);
    await topic.append({ data: 2 });
    await machine.restart(299_000);
    const again = await openTopic(machine.broker, declaration);
    expect(await again.topic.append(draft)).toEqual({ offset, duplicate: true });
    await machine.restart(1_001);
    const late = await openTopic(machine.broker, declaration);
    expect(await late.topic.append(draft)).toEqual({ offset: 3, duplicate: false });
    await late.topic.close();
    await machine.broker.close();
    expect(await countRecords(machine.folder)).toMatchObject({ event: 1, repeat: 1 });
  });

  test("is not recognized for longer if the clock was set back", async () => {
    const machine = await Machine.start();
    const { topic } = await openTopic(machine.broker, logTopic("t"));
    await topic.append({ data: 1, idempotencyKey: "k" });
    await machine.broker.close();
    const clock = new VirtualClock(machine.clock.now() - 3_600_000);
    const broker = await DiskBroker.open({ folder: machine.folder, clock });
    const again = await openTopic(broker, logTopic("t"));
    clock.advance(300_001);
    expect(await again.topic.append({ data: 1, idempotencyKey: "k" })).toMatchObject({
      duplicate: false,
    });
    await broker.close();
  });
});

describe("leases continue to run while the topic is not open", () => {
  test("keys with expired leases are removed once, by an event, before anybody reads", async () => {
    const machine = await Machine.start();
    const { topic } = await openTopic(machine.broker, keyedTopic("t"));
    await topic.append({ key: "a", data: 1, leaseMs: 1_000 });
    await topic.append({ key: "b", data: 1, leaseMs: 3_000 });
    const { offset } = await topic.append({ key: "c", data: 1, leaseMs: 1_000 });
    await topic.lease([{ key: "c", offset }], 4_000);
    await machine.restart(2_000);
    const again = await openTopic(machine.broker, keyedTopic("t"));
    expect(again.plain()).toEqual(["b=1", "c=1", "a=removed"]);
    expect(again.topic.offset).toBe(4);
    await machine.clock.pass(1_001);
    await eventually(again.plain).toEqual(["b=1", "c=1", "a=removed", "b=removed"]);
    await machine.restart();
    const third = await openTopic(machine.broker, keyedTopic("t"));
    expect(third.plain()).toEqual(["c=1", "a=removed", "b=removed"]);
    await machine.clock.pass(1_001);
    await eventually(third.plain).toHaveLength(4);
    await machine.broker.close();
    expect(await countRecords(machine.folder)).not.toHaveProperty("lease");
  });

  test("a value without a lease, or a removal, ends the lease in the store too", async () => {
    const machine = await Machine.start();
    const { topic } = await openTopic(machine.broker, keyedTopic("t"));
    for (const key of ["a", "b"]) await topic.append({ key, data: 1, leaseMs: 1_000 });
    await topic.append({ key: "a", data: 2 });
    await topic.append({ key: "b", removed: true });
    await machine.restart(2_000);
    const { plain } = await openTopic(machine.broker, keyedTopic("t"));
    expect(plain()).toEqual(["a=2", "b=removed"]);
    await machine.broker.close();
    expect(await countRecords(machine.folder)).not.toHaveProperty("lease");
  });

  test("leases do not run longer than granted if the clock was set back", async () => {
    const machine = await Machine.start();
    const { topic } = await openTopic(machine.broker, keyedTopic("t"));
    await topic.append({ key: "a", data: 1, leaseMs: 1_000 });
    await machine.broker.close();
    const clock = new VirtualClock(machine.clock.now() - 3_600_000);
    const broker = await DiskBroker.open({ folder: machine.folder, clock });
    const { plain } = await openTopic(broker, keyedTopic("t"));
    await clock.pass(1_001);
    await eventually(plain).toEqual(["a=1", "a=removed"]);
    await broker.close();
  });

  test("a lease that is renewed at the moment of its expiry either lives or ends", async () => {
    const machine = await Machine.start();
    const { topic, plain } = await openTopic(machine.broker, keyedTopic("t"));
    const { offset } = await topic.append({ key: "a", data: 1, leaseMs: 1_000 });
    const renewed = topic.lease([{ key: "a", offset }], 5_000);
    machine.clock.advance(1_000);
    await renewed;
    await topic.append({ key: "b", data: 1 });
    expect(plain()).toEqual(["a=1", "b=1"]);
    await machine.restart();
    expect((await openTopic(machine.broker, keyedTopic("t"))).plain()).toEqual(["a=1", "b=1"]);
    await machine.broker.close();
  });
});

describe("retention", () => {
  test("events expired by age are gone after a restart, also from the disk; offsets continue and the floor shows it", async () => {
    const machine = await Machine.start();
    const declaration = logTopic("t", { retention: { maxAgeMs: 1_000 } });
    const { topic } = await openTopic(machine.broker, declaration);
    const appends = Array.from({ length: 2_500 }, (_, n) => topic.append({ data: n }));
    await Promise.all(appends);
    await machine.restart(1_001);
    const again = await openTopic(machine.broker, declaration);
    expect([again.topic.offset, again.topic.floor, again.seen]).toEqual([2_500, 2_500, []]);
    // A batch deletes a thousand, along with whatever else is written.
    const other = await openTopic(machine.broker, logTopic("u"));
    for (let n = 1; n <= 4; n += 1) await other.topic.append({ data: n });
    await again.topic.append({ data: 1 });
    expect(again.seen.map(({ offset }) => offset)).toEqual([2_501]);
    await machine.broker.close();
    expect(await countRecords(machine.folder)).toMatchObject({ event: 5 });
  });

  test("an expired removal is deleted when its key is set again, however much else there is to delete", async () => {
    const machine = await Machine.start();
    const declaration = keyedTopic("t", { retention: { maxAgeMs: 1_000 } });
    const { topic } = await openTopic(machine.broker, declaration);
    const keys = Array.from({ length: 1_500 }, (_, n) => `k${n}`);
    await Promise.all(keys.map((key) => topic.append({ key, removed: true })));
    machine.clock.advance(1_001);
    await topic.append({ key: "k1499", data: 1 });
    await topic.append({ key: "k0", data: 1 });
    await machine.broker.close();
    expect(await countRecords(machine.folder)).toMatchObject({ event: 2 });
  });

  test("events expired by count are deleted from the disk with the next writes", async () => {
    const machine = await Machine.start();
    const declaration = logTopic("t", { retention: { maxEvents: 10 } });
    const { topic } = await openTopic(machine.broker, declaration);
    for (let n = 0; n < 100; n += 1) await topic.append({ data: n });
    await machine.broker.close();
    // The event that the last append expired is deleted with the next write.
    expect(await countRecords(machine.folder)).toMatchObject({ event: 11 });
  });

  test("expired removals are deleted from the disk, and the floor stays", async () => {
    const machine = await Machine.start();
    const declaration = keyedTopic("t", { retention: { maxEvents: 1 } });
    const { topic } = await openTopic(machine.broker, declaration);
    for (const key of ["a", "b", "c", "d"]) await topic.append({ key, removed: true });
    await topic.append({ key: "a", data: 1 });
    await topic.close();
    await machine.restart();
    const again = await openTopic(machine.broker, declaration);
    expect([again.topic.floor, again.plain()]).toEqual([3, ["d=removed", "a=1"]]);
    await machine.broker.close();
    expect(await countRecords(machine.folder)).toMatchObject({ event: 2 });
  });
});

describe("a topic without followers", () => {
  test("is dropped from memory with its lease timers, and returns unchanged", async () => {
    const machine = await Machine.start();
    const { topic } = await openTopic(machine.broker, keyedTopic("t"));
    await topic.append({ key: "a", data: 1, leaseMs: 1_000 });
    const withLease = machine.clock.timerCount;
    await topic.close();
    await eventually(() => machine.clock.timerCount).toBe(withLease - 1);
    await expect(topic.append({ key: "a", data: 2 })).rejects.toMatchObject({
      code: "unavailable",
    });
    const again = await openTopic(machine.broker, keyedTopic("t"));
    expect([again.topic.epoch, again.plain()]).toEqual([topic.epoch, ["a=1"]]);
    await machine.broker.close();
  });

  test.each([0, 1])(
    "can be reopened at the moment in which it is dropped, with %i events",
    async (count) => {
      const machine = await Machine.start();
      const { topic } = await openTopic(machine.broker, logTopic("t"));
      for (let n = 0; n < count; n += 1) await topic.append({ data: n });
      await topic.close();
      for (let steps = 0; steps < 8; steps += 1) {
        const opened = await openTopic(machine.broker, logTopic("t"));
        const closed = opened.topic.close();
        for (let step = 0; step < steps; step += 1) await Promise.resolve();
        const again = await openTopic(machine.broker, logTopic("t"));
        const { offset } = await again.topic.append({ data: steps });
        expect([offset, again.seen.at(-1)!.offset]).toEqual([count + steps + 1, offset]);
        await Promise.all([closed, again.topic.close()]);
      }
      await machine.broker.close();
    },
  );

  test("is forgotten if it keeps nothing: it returns under another epoch, and the others under theirs", async () => {
    const machine = await Machine.start();
    const other = await openTopic(machine.broker, logTopic("u"));
    await other.topic.append({ data: 1 });
    const declaration = logTopic("t", { retention: { maxAgeMs: 1_000 } });
    const { topic } = await openTopic(machine.broker, declaration);
    await topic.append({ data: 1 });
    machine.clock.advance(1_001);
    await topic.close();
    await machine.restart();
    const again = await openTopic(machine.broker, declaration);
    expect(again.topic.epoch).not.toBe(topic.epoch);
    expect([again.topic.offset, again.topic.floor]).toEqual([0, 0]);
    expect((await openTopic(machine.broker, logTopic("u"))).topic.epoch).toBe(other.topic.epoch);
    await machine.broker.close();
    expect(await countRecords(machine.folder)).toEqual({ store: 1, batch: 1, topic: 1, event: 1 });
  });

  test("is not forgotten while its publishes can be repeated", async () => {
    const machine = await Machine.start();
    const declaration = logTopic("t", { retention: { maxAgeMs: 1_000 } });
    const { topic } = await openTopic(machine.broker, declaration);
    await topic.append({ data: 1, idempotencyKey: "k" });
    machine.clock.advance(10_000);
    await topic.close();
    await machine.restart();
    const again = await openTopic(machine.broker, declaration);
    expect(again.topic.epoch).toBe(topic.epoch);
    expect(await again.topic.append({ data: 1, idempotencyKey: "k" })).toEqual({
      offset: 1,
      duplicate: true,
    });
    await machine.broker.close();
  });
});

describe("a topic that is no longer opened", () => {
  const minute = 60_000;
  const retention = { maxAgeMs: 1_000 };

  test("is deleted and forgotten once it has expired, which makes room for others", async () => {
    const machine = await Machine.start({ maxTopics: 2 });
    for (const declaration of [logTopic("a", { retention }), keyedTopic("b", { retention })]) {
      const { topic } = await openTopic(machine.broker, declaration);
      const key = declaration.kind === "keyed" ? "k" : undefined;
      await topic.append({ key, data: 1, ...(key !== undefined && { leaseMs: 500 }) });
    }
    await machine.restart();
    const opens = (name: string) => async (): Promise<string> => {
      await machine.clock.pass(minute);
      return machine.broker.openTopic(logTopic(name), ignore).then(
        () => "opened",
        ({ code }: { code: string }) => code,
      );
    };
    await eventually(opens("c")).toBe("opened");
    await eventually(opens("d")).toBe("opened");
    await machine.broker.close();
    expect(await countRecords(machine.folder)).toEqual({ store: 1, batch: 1 });
  });

  test("stays if it keeps something", async () => {
    const machine = await Machine.start();
    const declarations = [
      keyedTopic("values", { retention }),
      keyedTopic("leased", { retention }),
      logTopic("kept", { retention: { maxAgeMs: Number.POSITIVE_INFINITY } }),
    ];
    for (const declaration of declarations) {
      const { topic } = await openTopic(machine.broker, declaration);
      const { name, kind } = declaration;
      const key = kind === "keyed" ? "k" : undefined;
      await topic.append({ key, data: 1, ...(name === "leased" && { leaseMs: 10 * minute }) });
    }
    await machine.restart();
    for (let n = 0; n < 3; n += 1) await machine.clock.pass(minute);
    for (const declaration of declarations) {
      expect((await openTopic(machine.broker, declaration)).seen).toHaveLength(1);
    }
    await machine.broker.close();
  });

  test("can be opened by callers that wait for its cleanup", async () => {
    const machine = await Machine.start();
    const { topic } = await openTopic(machine.broker, logTopic("t", { retention }));
    await topic.append({ data: 1 });
    await machine.restart();
    const held = holdNextWrite();
    await machine.clock.pass(minute);
    await eventually(held.isHeld).toBe(true);
    let isOpen = false;
    const opening = openTopic(machine.broker, logTopic("t", { retention }));
    void opening.then(() => (isOpen = true));
    await openTopic(machine.broker, logTopic("u"));
    await openTopic(machine.broker, logTopic("v"));
    expect(isOpen).toBe(false);
    held.letGo();
    const again = await opening;
    expect(again.topic.epoch).not.toBe(topic.epoch);
    expect(await again.topic.append({ data: 1 })).toMatchObject({ offset: 1 });
    await machine.restart();
    expect((await openTopic(machine.broker, logTopic("t"))).plain()).toEqual(["=1"]);
    await machine.broker.close();
    vi.restoreAllMocks();
  });
});

test("topics with similar names do not share records, and any name is possible", async () => {
  const machine = await Machine.start();
  const names = ["a", "a ", 'a"', 'a" 1', "a\\", "a!", "", "\u0000", "\ufffd", "é", "😀"];
  for (const name of names) {
    const { topic } = await openTopic(machine.broker, keyedTopic(name));
    await topic.append({ key: name, data: name, leaseMs: 1_000, idempotencyKey: name });
  }
  await machine.restart();
  for (const name of names) {
    const { seen } = await openTopic(machine.broker, keyedTopic(name));
    expect(seen.map(({ key, data }) => [key, data])).toEqual([[name, name]]);
  }
  await machine.broker.close();
});

test("maxTopics also counts topics from before a restart", async () => {
  const machine = await Machine.start({ maxTopics: 2 });
  const { topic } = await openTopic(machine.broker, logTopic("a"));
  await topic.append({ data: 1 });
  const blank = await openTopic(machine.broker, logTopic("b"));
  const unavailable = { code: "unavailable" };
  const refused = machine.broker.openTopic(logTopic("c"), ignore);
  await expect(refused).rejects.toMatchObject(unavailable);
  await blank.topic.close();
  const { topic: third } = await openTopic(machine.broker, logTopic("c"));
  await third.append({ data: 1 });
  await machine.restart();
  const again = machine.broker.openTopic(logTopic("b"), ignore);
  await expect(again).rejects.toMatchObject(unavailable);
  await openTopic(machine.broker, logTopic("a"));
  await machine.broker.close();
});

test("a topic that is declared with another kind is refused", async () => {
  const machine = await Machine.start();
  const { topic } = await openTopic(machine.broker, logTopic("t"));
  await topic.append({ data: 1 });
  await machine.restart();
  const refused = machine.broker.openTopic(keyedTopic("t"), ignore);
  await expect(refused).rejects.toMatchObject({
    code: "topic_kind",
    message: "t is declared as a keyed topic but stored as a log topic; use another name.",
  });
  await openTopic(machine.broker, logTopic("t"));
  await machine.broker.close();
});

describe("when the machine crashes, and appends did not wait for the disk", () => {
  async function epochs(
    sync: boolean,
    again: "restart" | "killAndStart",
    boot: string,
  ): Promise<[string, string]> {
    const started = await Machine.start({ sync });
    const { topic } = await openTopic(started.broker, logTopic("t"));
    await topic.append({ data: 1 });
    machine.boot = boot;
    await started[again]();
    const after = await openTopic(started.broker, logTopic("t"));
    expect(after.plain()).toEqual(["=1"]);
    await started.broker.close();
    return [topic.epoch, after.topic.epoch];
  }

  test.each([
    ["the process was killed", false, "killAndStart", "first"],
    ["the machine was started again after the broker was closed", false, "restart", "second"],
    ["the machine fell over, but appends waited", true, "killAndStart", "second"],
  ] as const)("%s: the epoch stays", async (_, sync, again, boot) => {
    const [before, after] = await epochs(sync, again, boot);
    expect(after).toBe(before);
  });

  test("after a crash of the machine, the epoch is another one", async () => {
    const [before, after] = await epochs(false, "killAndStart", "second");
    expect(after).not.toBe(before);
  });

  test("if it is unknown whether the machine crashed, the epoch is another one", async () => {
    machine.boot = "";
    const [before, after] = await epochs(false, "killAndStart", "");
    expect(after).not.toBe(before);
  });
});

test("a log whose last write is torn opens with everything before it", async () => {
  const machine = await Machine.start();
  const { topic } = await openTopic(machine.broker, logTopic("t"));
  for (let n = 1; n <= 20; n += 1) await topic.append({ data: "x".repeat(50) });
  for (const bytes of [1, 7, 100, 150, 400]) {
    const { path: folder } = new DataFolder();
    cpSync(machine.folder, folder, { recursive: true });
    const newest = readdirSync(folder)
      .filter((name) => name.endsWith(".log"))
      .sort()
      .at(-1)!;
    truncateSync(join(folder, newest), statSync(join(folder, newest)).size - bytes);
    const broker = await DiskBroker.open({ folder, clock: machine.clock });
    const { seen, topic: opened } = await openTopic(broker, logTopic("t"));
    expect(seen.map(({ offset }) => offset)).toEqual(seen.map((_, at) => at + 1));
    expect(seen.length).toBeGreaterThanOrEqual(20 - 1 - Math.floor(bytes / 100));
    expect(seen.length).toBeLessThan(20);
    const { offset } = opened;
    expect(await opened.append({ data: 1 })).toMatchObject({ offset: offset + 1 });
    await broker.close();
  }
  await machine.broker.close();
});

test("a damaged hole in a topic's log is reported, and is a gap for clients that were before it", async () => {
  const errors: string[] = [];
  const machine = await Machine.start({ onError: ({ code }) => errors.push(code) });
  const { topic } = await openTopic(machine.broker, logTopic("t"));
  for (let n = 1; n <= 5; n += 1) await topic.append({ data: n });
  await machine.broker.close();
  await withRecords(machine.folder, (level) => level.del('event "t" 0000000000000003'));
  await machine.open();
  const again = await openTopic(machine.broker, logTopic("t"));
  expect([again.topic.floor, again.plain(), errors]).toEqual([3, ["=4", "=5"], ["store_corrupt"]]);
  await machine.broker.close();
});
