import { expect, test } from "vitest";
import { RedisTopic } from "../../../src/brokers/redis/topic/redis-topic.ts";
import type { Link, Reply } from "../../../src/brokers/redis/link/link.ts";
import { logTopic } from "../../../src/live/index.ts";
import { VirtualClock } from "../../rigs/clock/virtual-clock.ts";

/** A reading's answer: one event, the newest. */
function page(offset: number): Reply {
  return ["read", "1.e", offset, 0, -1, 1_000, 0, 0, String(offset), `${offset}000`, "", "{}"];
}

test("a joining follower receives an event whose answer arrives right after that of its own read", async () => {
  const asked: ((reply: Reply) => void)[] = [];
  const link = {
    server: "Redis",
    isAway: false,
    run: () => new Promise<Reply>((resolve) => asked.push(resolve)),
  } as unknown as Link;
  const installation = { read: () => Promise.resolve("i") };
  const host = { link, installation, clock: new VirtualClock(), tag: "t", onUnused: () => {} };
  const topic = new RedisTopic(logTopic("news"), host);
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const told: Record<"first" | "second", number[]> = { first: [], second: [] };
  const join = (name: "first" | "second"): Promise<unknown> =>
    topic.join(Promise.resolve(), ({ offset }) => told[name].push(offset), undefined);

  const first = join("first");
  await turn();
  asked.shift()!(page(1));
  await first;
  const second = join("second");
  await turn();
  topic.onNotified("1.e 2");
  await turn();
  const [stateOf1, stepTo2] = asked.splice(0);
  // One after the other in one turn, as from one piece of the network's.
  stateOf1!(page(1));
  stepTo2!(page(2));
  await second;
  await turn();
  expect(told).toEqual({ first: [1, 2], second: [1, 2] });
});
