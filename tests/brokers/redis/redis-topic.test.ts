import { expect, test } from "vitest";
import type { Link, Reply } from "../../../src/brokers/redis/link/link.ts";
import { RedisTopic } from "../../../src/brokers/redis/topic/redis-topic.ts";
import { UnansweredError } from "../../../src/brokers/shared/engine-errors.ts";
import { logTopic } from "../../../src/live/index.ts";
import { VirtualClock } from "../../rigs/clock/virtual-clock.ts";
import { settle } from "../../rigs/live/memory-peer.ts";

/** The answer of the script `read` for a log at `offset`, with the events after it. */
function answer(offset: number, ...events: number[]): Reply {
  return ["ok", "e", offset, 0, -1, 0, 0, 0, ...events.flatMap((at) => [at, "1000", "", `${at}`])];
}

test("a refresh requested while a read is about to fail is not lost: the topic is read again", async () => {
  const reads: { resolve: (reply: Reply) => void; reject: (error: Error) => void }[] = [];
  const link: Link = {
    server: "Redis at test",
    isAway: false,
    run: () => new Promise((resolve, reject) => reads.push({ resolve, reject })),
    askAll: () => Promise.resolve([]),
    subscribe: () => Promise.resolve(),
    unsubscribe: () => {},
    close: () => {},
  };
  const topic = new RedisTopic(logTopic("news"), {
    link,
    installation: { read: () => Promise.resolve("i") },
    clock: new VirtualClock(),
    tag: "{news}",
    onUnused: () => {},
  });
  const followed: number[] = [];
  const joining = topic.join(Promise.resolve(), ({ offset }) => followed.push(offset), undefined);
  await settle();
  reads.shift()!.resolve(answer(1, 1));
  await joining;
  topic.look();
  await settle();
  // The connection is back before the read that went with the old one has failed.
  topic.look();
  reads.shift()!.reject(new UnansweredError("no answer"));
  await settle();
  reads.shift()!.resolve(answer(2, 2));
  await settle();
  expect(followed).toEqual([1, 2]);
});
