import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import files from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { dirname, join } from "node:path";
import { ClassicLevel } from "classic-level";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { DiskBroker } from "../../../src/brokers/disk/index.ts";
import { keyedTopic, logTopic, type TopicEvent } from "../../../src/live/index.ts";
import { VirtualClock } from "../../rigs/clock/virtual-clock.ts";
import { DataFolder } from "../../rigs/brokers/disk-folder.ts";
import { DiskProcess } from "./disk-process.ts";
import { withRecords } from "./disk-records.ts";
import { failNextWrite, holdNextWrite, watchWrites } from "./disk-writes.ts";
import { eventually } from "../../rigs/clock/eventually.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
  await DiskProcess.killAll();
});
afterAll(() => DataFolder.removeAll());

const ignore = (): void => {};
const unavailable = { code: "unavailable" };

/** Returns the events of a log topic in a folder. */
async function read(folder: string, name: string): Promise<TopicEvent[]> {
  const broker = await DiskBroker.open({ folder });
  const events: TopicEvent[] = [];
  const retention = { maxEvents: 1_000_000, maxBytes: 2 ** 40 };
  await broker.openTopic(logTopic(name, { retention }), (event) => events.push(event));
  await broker.close();
  return events;
}

describe("a folder that cannot be opened is refused with one line that says what to do", () => {
  test("it is used by another process; it is available once that process has ended, in whatever way", async () => {
    const { path: folder } = new DataFolder();
    const first = await DiskProcess.start(folder);
    await expect(DiskBroker.open({ folder })).rejects.toMatchObject({
      code: "store_in_use",
      message: expect.stringContaining(
        `The folder ${folder} is used by another process; stop that process, or use another folder (`,
      ),
    });
    await first.kill();
    const broker = await DiskBroker.open({ folder });
    expect(await DiskProcess.refused(folder)).toMatchObject({ failed: "store_in_use" });
    await broker.close();
    await (await DiskProcess.start(folder)).kill();
  });

  test("it is not a folder, or its parent is not one", async () => {
    const { path } = new DataFolder();
    writeFileSync(path, "a file");
    for (const folder of [path, join(path, "below")]) {
      await expect(DiskBroker.open({ folder })).rejects.toMatchObject({
        code: "store_not_writable",
      });
    }
  });

  test("it is damaged", async () => {
    const { path: folder } = new DataFolder();
    await (await DiskBroker.open({ folder })).close();
    const manifest = readdirSync(folder).find((name) => name.startsWith("MANIFEST"))!;
    writeFileSync(join(folder, manifest), "nothing that LevelDB knows");
    await expect(DiskBroker.open({ folder })).rejects.toMatchObject({
      code: "store_corrupt",
      message: expect.stringMatching(/^The folder .* contains a damaged store; .*\)\.$/),
    });
  });

  test.each(["CURRENT", "MANIFEST"])(
    "its file %s is missing: that counts as damage, and nothing is touched",
    async (missing) => {
      const { path: folder } = new DataFolder();
      const broker = await DiskBroker.open({ folder });
      const topic = await broker.openTopic(logTopic("t"), ignore);
      await topic.append({ data: "kept" });
      await broker.close();
      const files = (): [string, string][] =>
        readdirSync(folder)
          // LevelDB's own notes, and its lock.
          .filter((name) => !name.startsWith("LO"))
          .map((name) => [name, readFileSync(join(folder, name), "latin1")]);
      const before = files();
      const name = readdirSync(folder).find((each) => each.startsWith(missing))!;
      const content = readFileSync(join(folder, name));
      rmSync(join(folder, name));
      for (let attempt = 1; attempt <= 2; attempt += 1) {
        await expect(DiskBroker.open({ folder })).rejects.toMatchObject({
          code: "store_corrupt",
          message: expect.stringMatching(/^The folder .* contains a damaged store.*\.$/),
        });
      }
      writeFileSync(join(folder, name), content);
      expect(files()).toEqual(before);
      expect(await read(folder, "t")).toHaveLength(1);
    },
  );

  test("its files cannot be listed: it may have records, so no store is created", async () => {
    const { path: folder } = new DataFolder();
    await (await DiskBroker.open({ folder })).close();
    const current = readFileSync(join(folder, "CURRENT"));
    rmSync(join(folder, "CURRENT"));
    const before = readdirSync(folder);
    const cause = Object.assign(new Error("EMFILE: too many open files"), { code: "EMFILE" });
    vi.spyOn(files, "readdir").mockRejectedValueOnce(cause);
    syncBuiltinESMExports();
    await expect(DiskBroker.open({ folder })).rejects.toMatchObject({
      code: "store_failed",
      cause,
    });
    vi.restoreAllMocks();
    syncBuiltinESMExports();
    expect(readdirSync(folder)).toEqual(before);
    writeFileSync(join(folder, "CURRENT"), current);
    await (await DiskBroker.open({ folder })).close();
  });

  test("its CURRENT is replaced while the files are listed: nothing is missing", async () => {
    const { path: folder } = new DataFolder();
    await (await DiskBroker.open({ folder })).close();
    const names = readdirSync(folder).filter((name) => name !== "CURRENT");
    vi.spyOn(files, "readdir").mockResolvedValueOnce(names as never);
    syncBuiltinESMExports();
    await (await DiskBroker.open({ folder })).close();
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  });

  test("a store whose creation was interrupted is created", async () => {
    const { path: folder } = new DataFolder();
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "MANIFEST-000001"), "");
    await (await DiskBroker.open({ folder })).close();
  });

  test("it was written by a newer version, or by another program", async () => {
    const { path: newer } = new DataFolder();
    await (await DiskBroker.open({ folder: newer })).close();
    await withRecords(newer, async (level) => {
      const record = JSON.parse((await level.get("store"))!) as object;
      await level.put("store", JSON.stringify({ ...record, format: 2 }));
    });
    const { path: other } = new DataFolder();
    mkdirSync(dirname(other), { recursive: true });
    await withRecords(other, (level) => level.put("something", "else"));
    for (const folder of [newer, other]) {
      await expect(DiskBroker.open({ folder })).rejects.toMatchObject({ code: "store_format" });
    }
    expect(await withRecords(other, (level) => level.keys().all())).toEqual(["something"]);
  });
});

describe("changes are written together", () => {
  test("all changes of a turn in all topics, and those during a write, including repeats and conflicts", async () => {
    const { path: folder } = new DataFolder();
    const broker = await DiskBroker.open({ folder });
    const told: string[] = [];
    const [a, b] = await Promise.all(
      ["a", "b"].map((name) =>
        broker.openTopic(logTopic(name), ({ json }) => told.push(`${name}${json}`)),
      ),
    );
    const batch = watchWrites();
    const first = [];
    for (let n = 1; n <= 3; n += 1) first.push(a!.append({ data: n }), b!.append({ data: n }));
    await first[0];
    expect([batch.mock.calls.length, told]).toEqual([1, ["a1", "b1", "a2", "b2", "a3", "b3"]]);
    // While this one is written, ten more come.
    const one = a!.append({ data: 4 });
    await vi.waitUntil(() => batch.mock.calls.length === 2, { interval: 0 });
    const more = Array.from({ length: 10 }, () => a!.append({ data: 5, idempotencyKey: "k" }));
    await Promise.all([one, ...more]);
    expect(batch).toHaveBeenCalledTimes(3);
    expect(told.slice(6)).toEqual(["a4", "a5"]);
    // A repetition of a stored event needs no write.
    await a!.append({ data: 5, idempotencyKey: "k" });
    expect(batch).toHaveBeenCalledTimes(3);
    await broker.close();
  });

  test("even if they were requested in several steps of one turn", async () => {
    const { path: folder } = new DataFolder();
    const broker = await DiskBroker.open({ folder });
    const topic = await broker.openTopic(logTopic("t"), ignore);
    const batch = watchWrites();
    const first = topic.append({ data: 1 });
    for (let step = 0; step < 50; step += 1) await Promise.resolve();
    await Promise.all([first, topic.append({ data: 2 })]);
    expect(batch).toHaveBeenCalledTimes(1);
    await broker.close();
  });

  test("nothing is followed or acknowledged before it is written", async () => {
    const { path: folder } = new DataFolder();
    const broker = await DiskBroker.open({ folder });
    const told: unknown[] = [];
    const topic = await broker.openTopic(logTopic("t"), ({ data }) => told.push(data));
    const held = holdNextWrite();
    let isAnswered = false;
    const appended = topic.append({ data: 1, idempotencyKey: "k" });
    const repeated = topic.append({ data: 1, idempotencyKey: "k" });
    for (const answer of [appended, repeated]) void answer.then(() => (isAnswered = true));
    await vi.waitUntil(held.isHeld);
    const opened = await broker.openTopic(logTopic("t"), ignore);
    expect([told, isAnswered, opened.offset]).toEqual([[], false, 0]);
    held.letGo();
    expect(await appended).toEqual({ offset: 1, duplicate: false });
    expect(await repeated).toEqual({ offset: 1, duplicate: true });
    expect(told).toEqual([1]);
    await broker.close();
  });

  test("writes wait for the disk unless sync is false", async () => {
    for (const sync of [true, false]) {
      const { path: folder } = new DataFolder();
      const broker = await DiskBroker.open({ folder, sync });
      const topic = await broker.openTopic(logTopic("t"), ignore);
      const batch = watchWrites();
      await topic.append({ data: 1 });
      expect(batch).toHaveBeenLastCalledWith(expect.anything(), { sync });
      await broker.close();
      vi.restoreAllMocks();
    }
  });
});

describe("a disk that is full", () => {
  test("appends are refused and not followed, reading continues, and appends succeed again when there is room", async () => {
    const { path: folder } = new DataFolder();
    const child = await DiskProcess.start(folder);
    const { epoch } = await child.open("log");
    expect(await child.append("log", { data: 1 })).toMatchObject({ offset: 1 });
    child.limitFiles(0);
    // Whether this one was written is not known, as long as the store cannot be read.
    const [unknown, repeatable] = await Promise.all([
      child.append("log", { data: 2 }),
      child.append("log", { data: 3, idempotencyKey: "k" }),
    ]);
    expect(unknown).toMatchObject({ failed: "unconfirmed", kind: "LongwireError" });
    expect(repeatable).toMatchObject({ failed: "unavailable", kind: "LiveError" });
    expect(repeatable.message).toContain("has no space left; free some (");
    // And of those that come later it is known that they were not.
    expect(await child.append("log", { data: 4 })).toMatchObject({
      failed: "unavailable",
      kind: "LiveError",
    });
    expect(await child.open("log")).toMatchObject({ epoch });
    expect(await child.open("another")).toMatchObject({ failed: "unavailable" });
    expect(child.errors).toContain("disk_full");
    expect(child.told.map(({ data }) => data)).toEqual([1]);
    child.limitFiles("unlimited");
    let answer = await child.append("log", { data: 3, idempotencyKey: "k" });
    while (answer.failed !== undefined) {
      answer = await child.append("log", { data: 3, idempotencyKey: "k" });
    }
    expect(answer.epoch).toBe(epoch);
    expect(await child.append("log", { data: 5 })).toMatchObject({ offset: answer.offset! + 1 });
    const told = child.told.map(({ offset, data }) => [offset, data]);
    await child.kill();
    const events = await read(folder, "log");
    expect(events.map(({ offset, data }) => [offset, data])).toEqual(told);
    expect(told.filter(([, data]) => data === 3)).toHaveLength(1);
    expect(told.filter(([, data]) => data === 4)).toHaveLength(0);
  });

  test.each([1_000, 20_000, 50_000])(
    "in the middle of a write, %i bytes into a file: everything acknowledged is there",
    async (bytes) => {
      const { path: folder } = new DataFolder();
      const child = await DiskProcess.start(folder);
      await child.open("log-a");
      child.limitFiles(bytes);
      const appends = [];
      for (let n = 1; n <= 600; n += 1) {
        appends.push(child.append("log-a", { data: n, idempotencyKey: `${n}` }));
        if (n % 20 === 0) await appends.at(-1);
      }
      const answers = await Promise.all(appends);
      await eventually(() => child.errors).toContain("disk_full");
      child.limitFiles("unlimited");
      let later = await child.append("log-a", { data: 601 });
      while (later.failed !== undefined) later = await child.append("log-a", { data: 601 });
      const told = child.told.map(({ offset, data }) => [offset, data]);
      await child.kill();
      const events = await read(folder, "log-a");
      expect(events.map(({ offset, data }) => [offset, data])).toEqual(told);
      expect(told.map(([offset]) => offset)).toEqual(told.map((_, at) => at + 1));
      const numbers = told.map(([, data]) => data as number);
      expect(numbers).toEqual([...new Set(numbers)].sort((x, y) => x - y));
      const byData = new Map(told.map(([offset, data]) => [data, offset]));
      for (const [at, { offset, failed }] of answers.entries()) {
        if (offset !== undefined) expect(byData.get(at + 1)).toBe(offset);
        else expect(failed).toBe("unavailable");
      }
    },
  );
});

describe("a write that failed", () => {
  test("counts as done if it is found in the store", async () => {
    const { path: folder } = new DataFolder();
    const errors: string[] = [];
    const onError = ({ code }: { code: string }): unknown => errors.push(code);
    const broker = await DiskBroker.open({ folder, onError: (error) => void onError(error) });
    const told: unknown[] = [];
    const topic = await broker.openTopic(logTopic("t"), ({ data }) => told.push(data));
    await topic.append({ data: 1 });
    failNextWrite({ isWritten: true });
    expect(await topic.append({ data: 2, idempotencyKey: "k" })).toEqual({
      offset: 2,
      duplicate: false,
    });
    // The earlier write must not be mistaken for this one.
    failNextWrite({ isWritten: false });
    await expect(topic.append({ data: "not written" })).rejects.toMatchObject(unavailable);
    expect(await topic.append({ data: 3 })).toEqual({ offset: 3, duplicate: false });
    expect([told, errors]).toEqual([
      [1, 2, 3],
      ["store_failed", "store_failed"],
    ]);
    await broker.close();
    expect((await read(folder, "t")).map(({ data }) => data)).toEqual([1, 2, 3]);
  });

  test("is refused if it is not found in the store, and the next append gets its offset", async () => {
    const { path: folder } = new DataFolder();
    const broker = await DiskBroker.open({ folder });
    const told: unknown[] = [];
    const topic = await broker.openTopic(logTopic("t"), ({ data }) => told.push(data));
    await topic.append({ data: 1 });
    failNextWrite({ isWritten: false });
    const refused = [topic.append({ data: 2 }), topic.append({ data: 3, idempotencyKey: "k" })];
    const later = Promise.resolve().then(() => topic.append({ data: 4 }));
    for (const answer of refused) await expect(answer).rejects.toMatchObject(unavailable);
    await later.catch(ignore);
    const again = await topic.append({ data: 3, idempotencyKey: "k" });
    expect(again).toEqual({ offset: told.length, duplicate: false });
    expect(told.at(-1)).toBe(3);
    await broker.close();
    expect((await read(folder, "t")).map(({ data }) => data)).toEqual(told);
  });

  test("does not turn changes staged with it into conflicts", async () => {
    const { path: folder } = new DataFolder();
    const broker = await DiskBroker.open({ folder });
    const topic = await broker.openTopic(keyedTopic("t"), ignore);
    const { offset } = await topic.append({ key: "a", data: 1 });
    failNextWrite({ isWritten: false });
    const draft = { key: "a", data: 2, ifNewest: offset };
    const both = [topic.append(draft), topic.append(draft)];
    for (const answer of both) await expect(answer).rejects.toMatchObject(unavailable);
    expect(await topic.append(draft)).toMatchObject({ duplicate: false });
    await broker.close();
  });

  test("is repeated if it removed a key whose lease had expired", async () => {
    const { path: folder } = new DataFolder();
    const clock = new VirtualClock();
    const errors: string[] = [];
    const onError = ({ code }: { code: string }): void => void errors.push(code);
    const broker = await DiskBroker.open({ folder, clock, onError });
    const removed: string[] = [];
    const topic = await broker.openTopic(keyedTopic("t"), (event) => {
      if (event.removed) removed.push(event.key ?? "");
    });
    await topic.append({ key: "a", data: 1, leaseMs: 1_000 });
    failNextWrite({ isWritten: false });
    clock.advance(1_000);
    await eventually(() => errors).toEqual(["store_failed"]);
    await topic.append({ key: "b", data: 1 });
    expect(removed).toEqual([]);
    clock.advance(1_000);
    await eventually(() => removed).toEqual(["a"]);
    await broker.close();
  });

  test("in a store that cannot be reopened: appends are refused immediately until it can", async () => {
    const { path: folder } = new DataFolder();
    const clock = new VirtualClock();
    const broker = await DiskBroker.open({ folder, clock });
    const told: unknown[] = [];
    const topic = await broker.openTopic(logTopic("t"), ({ data }) => told.push(data));
    const goAway = async (): Promise<void> => {
      let queued: Promise<unknown> | undefined;
      failNextWrite({ isWritten: false });
      vi.spyOn(ClassicLevel.prototype as any, "_open").mockImplementationOnce((() => {
        queued = topic.append({ data: "queued" });
        return Promise.reject(new Error("IO error: CURRENT: No space left on device"));
      }) as any);
      const unknown = topic.append({ data: "unknown" });
      await expect(unknown).rejects.toMatchObject({ code: "unconfirmed" });
      await expect(queued).rejects.toMatchObject(unavailable);
      expect(broker.isAway).toBe(true);
      await expect(topic.append({ data: "later" })).rejects.toMatchObject(unavailable);
    };
    await goAway();
    expect((await broker.openTopic(logTopic("t"), ignore)).epoch).toBe(topic.epoch);
    clock.advance(5_000);
    await eventually(() => broker.isAway).toBe(false);
    expect(await topic.append({ data: 1 })).toMatchObject({ offset: 1 });
    // Closed while it is away, it stays closed.
    await goAway();
    await broker.close();
    clock.advance(5_000);
    // Long enough for it to take the folder again, if it did.
    await (await DiskBroker.open({ folder: new DataFolder().path })).close();
    expect(clock.timerCount).toBe(0);
    const next = await DiskBroker.open({ folder, clock });
    expect((await next.openTopic(logTopic("t"), ignore)).offset).toBe(1);
    expect(told).toEqual([1]);
    await next.close();
  });

  test("in a store that was then replaced: open topics end, and a new store begins", async () => {
    const { path: folder } = new DataFolder();
    const broker = await DiskBroker.open({ folder });
    let lost = 0;
    const declaration = logTopic("t");
    const topic = await broker.openTopic(declaration, ignore, () => (lost += 1));
    await topic.append({ data: 1 });
    failNextWrite({ isWritten: false });
    let queued: Promise<unknown> | undefined;
    // When the store is opened again, it is a different one.
    vi.spyOn(ClassicLevel.prototype, "get").mockImplementationOnce(() => {
      queued = topic.append({ data: 3 });
      return Promise.resolve(JSON.stringify({ format: 1, epoch: "another", births: 0 }));
    });
    await expect(topic.append({ data: 2 })).rejects.toMatchObject(unavailable);
    await expect(queued).rejects.toMatchObject(unavailable);
    await eventually(() => lost).toBe(1);
    await expect(topic.append({ data: 2 })).rejects.toMatchObject(unavailable);
    const again = await broker.openTopic(declaration, ignore);
    expect(again.epoch).not.toBe(topic.epoch);
    await broker.close();
  });
});

test("a topic that cannot be read is unavailable with the reason, and may be read later", async () => {
  const { path: folder } = new DataFolder();
  const errors: string[] = [];
  const onError = ({ code }: { code: string }): void => void errors.push(code);
  const broker = await DiskBroker.open({ folder, onError, maxTopics: 1 });
  const damaged = Object.assign(new Error("Corruption: bad block"), { code: "LEVEL_CORRUPTION" });
  vi.spyOn(ClassicLevel.prototype, "get").mockRejectedValueOnce(damaged);
  const refused = broker.openTopic(logTopic("t"), ignore);
  await expect(refused).rejects.toMatchObject(unavailable);
  expect(errors).toEqual(["store_corrupt"]);
  await broker.openTopic(logTopic("u"), ignore);
  await broker.close();
});

test("a closed broker refuses new appends and writes the pending ones", async () => {
  const { path: folder } = new DataFolder();
  const clock = new VirtualClock(Date.now());
  const broker = await DiskBroker.open({ folder, clock });
  const topic = await broker.openTopic(logTopic("t"), ignore);
  const appended = topic.append({ data: 1 });
  const closed = broker.close();
  expect(broker.isAway).toBe(true);
  await expect(topic.append({ data: 2 })).rejects.toMatchObject(unavailable);
  await expect(broker.openTopic(logTopic("u"), ignore)).rejects.toMatchObject(unavailable);
  expect(await appended).toMatchObject({ offset: 1 });
  await closed;
  expect(clock.timerCount).toBe(0);
  expect(await read(folder, "t")).toHaveLength(1);
  expect(readFileSync(join(folder, "CURRENT"), "utf8")).toContain("MANIFEST");
});
