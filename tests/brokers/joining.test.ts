import { afterEach, describe, expect, test } from "vitest";
import { logTopic } from "../../src/live/index.ts";
import { engines } from "../rigs/brokers/engines.ts";
import { eventually } from "../rigs/clock/eventually.ts";
import { append, closeAll, follow, offsets, upTo } from "../rigs/brokers/node.ts";

afterEach(closeAll);

const news = logTopic("news");

describe.each(engines)("requests of a node to %s", (_name, { start, open }) => {
  test("a follower that joins existing ones during appends receives each event once", async () => {
    const server = await start();
    const broker = await open(server.url);
    const { topic } = await follow(await open(server.url), news);
    const nodes = [await follow(broker, news)];
    const appends: Promise<unknown>[] = [];
    for (let n = 0; n < 30; n += 1) {
      for (let m = 0; m < 20; m += 1) appends.push(topic.append({ data: n }));
      nodes.push(await follow(broker, news));
    }
    await Promise.all(appends);
    for (const node of nodes) await eventually(() => offsets(node)).toEqual(upTo(600));
  });

  test("an append completes even if its caller closes the topic immediately", async () => {
    const server = await start();
    const { topic } = await follow(await open(server.url), news);
    const appends = upTo(5).map((n) => topic.append({ data: n }));
    await topic.close();
    const receipts = await Promise.all(appends);
    expect(receipts.map(({ offset }) => offset)).toEqual(upTo(5));
  });

  test("an event appended while a topic is being opened is not missed", async () => {
    const server = await start();
    const [reader, writer] = [await open(server.url), await open(server.url)];
    for (let n = 0; n < 60; n += 1) {
      const declaration = logTopic(`topic-${n}`);
      const { topic } = await follow(writer, declaration);
      const opening = follow(reader, declaration);
      await new Promise((resolve) => setImmediate(resolve));
      for (let m = 0; m < n % 4; m += 1) await topic.lease([{ key: "none", offset: 1 }], 1);
      await append(topic, 2);
      const node = await opening;
      await eventually(() => offsets(node)).toEqual([1, 2]);
    }
  });
});
