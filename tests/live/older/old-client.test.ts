import { expect, onTestFinished, test } from "vitest";
import { updatePresence } from "../../../src/live/client/presence/index.ts";
import { eventually } from "../../rigs/clock/eventually.ts";
import { describeWithOlder, thisVersion } from "../../rigs/live/older-version.ts";
import { RunningLive } from "../../rigs/live/running-live.ts";
import { dataOf, entriesOf, openClient, untilLive, untilReplaced } from "./clients.ts";
import { everything } from "./everything.ts";

await describeWithOlder("an old client with a new server", (older) => {
  test("follows logs, publishes and calls", async () => {
    const running = await RunningLive.start(everything);
    const client = openClient(older, running, { token: "ann" });
    const news = dataOf(client, "news");
    const sports: unknown[] = [];
    const narrowed = client.live.topic("news", { about: "sports" });
    onTestFinished(narrowed.subscribe((item) => void sports.push(item)));
    await untilLive(client);
    const events = [{ about: "sports" }, { about: "weather" }];
    for (const event of events) await client.live.publish("news", event);
    const options = { idempotencyKey: "once" };
    const twice = [await client.live.publish("news", { n: 3 }, options)];
    twice.push(await client.live.publish("news", { n: 3 }, options));
    expect(twice.map(({ duplicate }) => duplicate)).toEqual([false, true]);
    expect(await client.live.call("add", [1, 2, 3])).toBe(6);
    await eventually(() => news).toEqual([...events, { n: 3 }]);
    await eventually(() => sports).toMatchObject([{ data: { about: "sports" } }]);
  });

  test("follows keyed topics, sets and removes", async () => {
    const running = await RunningLive.start(everything);
    const client = openClient(older, running, { token: "ann" });
    await running.topic("devices").set("before", 0);
    const devices = entriesOf(client, "devices");
    for (const [n, key] of ["a", "b", "c"].entries()) await client.live.set("devices", key, { n });
    await client.live.remove("devices", "b");
    await eventually(devices).toEqual({ before: 0, a: { n: 0 }, c: { n: 2 } });
  });

  test("sees who is present, and what newer clients report about themselves", async () => {
    const running = await RunningLive.start(everything);
    const client = openClient(older, running, { token: "ann" });
    const newer = openClient(thisVersion, running, { token: "bob" });
    for (const each of [client, newer]) entriesOf(each, "devices");
    const present = entriesOf(client, "devices/$presence");
    await eventually(present).toMatchObject({ ann: { name: "ann" }, bob: { name: "bob" } });
    await updatePresence(newer.live, "devices", { status: "away" });
    await eventually(present).toMatchObject({ bob: { name: "bob", status: "away" } });
    newer.live.close();
    await eventually(() => Object.keys(present())).toEqual(["ann"]);
  });

  test("resumes after each cut, with nothing lost or doubled", async () => {
    const running = await RunningLive.start(everything);
    const client = openClient(older, running, { token: "ann" });
    const news = dataOf(client, "news");
    const devices = entriesOf(client, "devices");
    await untilLive(client);
    let n = 0;
    const publishSome = async (): Promise<void> => {
      for (const end = n + 10; n < end; n += 1) {
        await running.topic("news").publish(n);
        await running.topic("devices").set(`k${n % 3}`, n);
      }
    };
    for (let cuts = 0; cuts < 4; cuts += 1) {
      await untilReplaced(client, async () => {
        client.cut();
        await publishSome();
      });
      await publishSome();
    }
    await eventually(() => news).toEqual(Array.from({ length: 80 }, (_, n) => n));
    await eventually(devices).toEqual({ k0: 78, k1: 79, k2: 77 });
  });

  test("owns its keys while it is connected", async () => {
    const running = await RunningLive.start(everything);
    const client = openClient(older, running, { token: "ann" });
    const owned = entriesOf(openClient(thisVersion, running, { token: "bob" }), "owned");
    await client.live.set("owned", "lamp", "on");
    await eventually(owned).toEqual({ lamp: "on" });
    client.live.close();
    await eventually(owned).toEqual({});
  });

  test("reads the topics that the server itself writes, like any other", async () => {
    const running = await RunningLive.start(everything);
    const client = openClient(older, running, { token: "ann" });
    const connections = entriesOf(client, "$connections");
    await eventually(() => Object.values(connections())).toMatchObject([
      { identity: "ann", node: "new", level: 1 },
    ]);
    await untilReplaced(client, () => client.cut());
    await eventually(() => Object.keys(connections())).toHaveLength(1);
  });
});
