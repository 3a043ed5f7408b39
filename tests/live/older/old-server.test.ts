import { beforeEach, expect, test, vi } from "vitest";
import { updatePresence } from "../../../src/live/client/presence/index.ts";
import { handle } from "../../../src/live/client/answering/index.ts";
import { eventually } from "../../rigs/clock/eventually.ts";
import { describeWithOlder, thisVersion } from "../../rigs/live/older-version.ts";
import { RunningLive } from "../../rigs/live/running-live.ts";
import { dataOf, entriesOf, openClient, untilLive, untilReplaced } from "./clients.ts";
import { everything, ordinary } from "./everything.ts";

/** The errors that the client reports, because no caller can receive them. */
let reported: unknown[] = [];

beforeEach(() => {
  reported = [];
  vi.stubGlobal("reportError", (error: unknown) => reported.push(error));
  return () => vi.unstubAllGlobals();
});

const UNSUPPORTED = { code: "unsupported" };

await describeWithOlder("a new client with an old server", (older) => {
  const startOld = (): Promise<RunningLive> => RunningLive.start(ordinary(older), older);

  test("publishes, calls, and follows logs, keyed topics and presence", async () => {
    const client = openClient(thisVersion, await startOld(), { token: "ann" });
    const news = dataOf(client, "news");
    const devices = entriesOf(client, "devices");
    const present = entriesOf(client, "devices/$presence");
    await untilLive(client);
    await client.live.publish("news", 1);
    for (const key of ["a", "b"]) await client.live.set("devices", key, key);
    await client.live.remove("devices", "a");
    expect(await client.live.call("add", [1, 2, 3])).toBe(6);
    await eventually(() => news).toEqual([1]);
    await eventually(devices).toEqual({ b: "b" });
    await eventually(present).toMatchObject({ ann: { name: "ann" } });
    await expect(client.live.call("unknown")).rejects.toMatchObject({ code: "unknown_method" });
    expect(reported).toEqual([]);
  });

  test("resumes after a cut, refreshes its token, and is refused for good", async () => {
    const running = await startOld();
    const tokens = ["ann lives 60000", "ann lives 1250", "nobody"];
    const client = openClient(thisVersion, running, { token: () => tokens.shift() ?? "nobody" });
    const news = dataOf(client, "news");
    await untilLive(client);
    await untilReplaced(client, async () => {
      client.cut();
      await running.topic("news").publish(1);
    });
    await running.topic("news").publish(2);
    await eventually(() => news).toEqual([1, 2]);
    await eventually(() => client.live.status).toMatchObject({ state: "refused", code: 4401 });
    expect(tokens).toEqual([]);
  });

  test("reports that its offers are not supported, and offers them to the next server", async () => {
    const running = await startOld();
    const client = openClient(thisVersion, running, { token: "ann" });
    handle(client.live, "reboot", (params) => ["rebooted", params]);
    const news = dataOf(client, "news");
    await untilLive(client);
    await eventually(() => reported).toMatchObject([UNSUPPORTED]);
    // It goes on with everything else.
    await client.live.publish("news", 1);
    await eventually(() => news).toEqual([1]);
    const next = await RunningLive.start(everything);
    const command = await next.live.identity("ann").command("reboot", "later");
    client.direct(next);
    await untilReplaced(client, () => client.cut());
    expect(await command.outcome()).toMatchObject({
      state: "done",
      result: ["rebooted", "later"],
    });
    expect(await next.live.identity("ann").call("reboot", "now")).toEqual(["rebooted", "now"]);
    client.direct(running);
    await untilReplaced(client, () => client.cut());
    await eventually(() => reported).toMatchObject([UNSUPPORTED, UNSUPPORTED]);
  });

  test("rejects updates of its presence, and repeats those that a newer server has stored", async () => {
    const old = await startOld();
    const client = openClient(thisVersion, old, { token: "ann" });
    entriesOf(client, "devices");
    const update = (): Promise<void> => updatePresence(client.live, "devices", { status: "away" });
    await untilLive(client);
    await expect(update()).rejects.toMatchObject(UNSUPPORTED);
    const next = await RunningLive.start(everything);
    client.direct(next);
    await untilReplaced(client, () => client.cut());
    await update();
    const present = entriesOf(client, "devices/$presence");
    await eventually(present).toMatchObject({ ann: { name: "ann", status: "away" } });
    for (const server of [old, next]) {
      client.direct(server);
      await untilReplaced(client, () => client.cut());
    }
    await eventually(present).toMatchObject({ ann: { name: "ann", status: "away" } });
    expect(reported).toEqual([]);
  });
});
