import { describe, expect, test } from "vitest";
import type { JetStream, StreamInfo } from "../../../../src/brokers/nats/link/jetstream.ts";
import { Journal } from "../../../../src/brokers/nats/topic/journal.ts";
import type { Entry } from "../../../../src/brokers/nats/topic/message.ts";
import type { Publisher } from "../../../../src/brokers/nats/topic/publisher.ts";
import { Shortening } from "../../../../src/brokers/nats/topic/shortening.ts";
import type { TopicStream } from "../../../../src/brokers/nats/stream/topic-stream.ts";
import { keyedTopic } from "../../../../src/live/index.ts";
import { keptEvent } from "../../../../src/topics/index.ts";
import { VirtualClock } from "../../../rigs/clock/virtual-clock.ts";

const WINDOW_MS = 1_000;

interface Given {
  position: number;
  at?: number;
  key?: string;
  once?: string;
  ifNewest?: number;
  copyOf?: number;
}

function entry({ position, at = 0, key = "a", once, ifNewest, copyOf }: Given): Entry {
  return {
    position,
    stamp: `${at}000000`,
    event: keptEvent({ offset: copyOf ?? position, key, json: "1", removed: false, at }),
    isCopy: copyOf !== undefined,
    leaseMs: undefined,
    once,
    ifNewest,
  };
}

function journal(...entries: Given[]): Journal {
  const made = new Journal(keyedTopic("k"), WINDOW_MS);
  for (const given of entries) made.take(entry(given));
  made.finishReading();
  return made;
}

const kept = ({ log }: Journal): number[] => [...log.after(0)].map(({ offset }) => offset);

describe("valid messages", () => {
  test("a message that repeats an idempotency key within the window is invalid, by the times of the stream", () => {
    const repeated = journal(
      { position: 1, once: "x" },
      { position: 2, key: "b", once: "x", at: WINDOW_MS },
      { position: 3, key: "c", once: "x", at: WINDOW_MS + 1 },
    );
    expect(kept(repeated)).toEqual([1, 3]);
    expect(repeated.outcomeOf(2)).toEqual({ kind: "duplicate", offset: 1 });
  });

  test("a message whose condition is not met is invalid", () => {
    const conflicting = journal(
      { position: 1 },
      { position: 2, ifNewest: 0 },
      { position: 3, ifNewest: 1 },
      { position: 4, ifNewest: 1 },
    );
    expect(kept(conflicting)).toEqual([3]);
    expect([2, 3, 4].map((position) => conflicting.outcomeOf(position).kind)).toEqual([
      "conflict",
      "appended",
      "conflict",
    ]);
  });

  test("a message whose condition concerns deleted messages is valid if all invalid ones were deleted", () => {
    const read = (settled: number): number[] => {
      const made = new Journal(keyedTopic("k"), WINDOW_MS);
      made.settled = settled;
      made.take(entry({ position: 9, ifNewest: 4 }));
      made.finishReading();
      return kept(made);
    };
    expect([read(9), read(8)]).toEqual([[9], []]);
  });

  test("a copy stands for its event, at any position, and does not replace a newer one", () => {
    const copied = journal(
      { position: 5, key: "b" },
      { position: 6, copyOf: 2 },
      { position: 7, copyOf: 3, key: "b" },
    );
    expect(kept(copied)).toEqual([2, 5]);
    expect(copied.onlyUpTo(5).map(({ offset }) => offset)).toEqual([5]);
    expect(copied.onlyUpTo(6).map(({ offset }) => offset)).toEqual([2, 5]);
  });
});

describe("shortening a stream", () => {
  /** A thousand and some messages that nobody needs, a value, and two messages that do not count. */
  async function shorten(isMarked: boolean): Promise<string[]> {
    const clock = new VirtualClock(100_000);
    const old = Array.from({ length: 1_100 }, (_, at) => ({ position: at + 2, key: "b" }));
    const read = journal(
      { position: 1, key: "kept" },
      ...old,
      { position: 1_102, at: 1_000, key: "kept", ifNewest: 0 },
      { position: 1_103, at: 99_000, key: "kept", ifNewest: 0 },
      { position: 1_104, at: 99_000, key: "c" },
    );
    const done: string[] = [];
    let last = 1_104;
    const shortening = new Shortening({
      jetStream: {
        clock,
        link: { clock },
        deleteMessage: (_: string, position: number) => done.push(`delete ${position}`),
        purge: (_: string, before: number) => done.push(`purge before ${before}`),
      } as unknown as JetStream,
      names: { stream: "s", subject: "s", record: "r", lease: "l" },
      journal: read,
      publisher: {
        copy: ({ key, offset }: { key: string; offset: number }) => {
          last += 1;
          done.push(`copy ${key}@${offset}`);
          read.take(entry({ position: last, key, copyOf: offset }));
          return Promise.resolve(last);
        },
      } as unknown as Publisher,
      stream: {
        mark: ({ shortened, settled }: { shortened: number; settled: number }) => {
          done.push(`mark ${shortened}, ${settled}`);
          return Promise.resolve(isMarked);
        },
      } as unknown as TopicStream,
      windowMs: WINDOW_MS,
      reach: () => Promise.resolve(),
    });
    await shortening.run({ state: { first_seq: 1, last_seq: last } } as StreamInfo);
    return done;
  }

  test("copies what is needed, deletes invalid messages, and records both before anything is deleted", async () => {
    expect(await shorten(true)).toEqual([
      "copy kept@1",
      "copy b@1101",
      "delete 1103",
      "mark 1102, 1106",
      "purge before 1103",
    ]);
  });

  test("deletes nothing if that could not be recorded", async () => {
    expect((await shorten(false)).filter((what) => what.startsWith("purge"))).toEqual([]);
  });
});
