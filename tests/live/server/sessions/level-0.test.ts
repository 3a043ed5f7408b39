import { describe, expect, test } from "vitest";
import { keyedTopic, logTopic, matchFields } from "../../../../src/live/index.ts";
import { clientKinds } from "../../../rigs/live/live-client.ts";
import { RunningLive, type LiveOptions } from "../../../rigs/live/running-live.ts";

/** Takes `type` only. */
const typeOnly = {
  "~standard": {
    version: 1 as const,
    vendor: "test",
    validate: (value: unknown) => {
      const names = Object.keys(value as object);
      return names.every((name) => name === "type")
        ? { value }
        : { issues: [{ message: "only type may be asked for — nothing else" }] };
    },
  },
};

function start(options: Partial<LiveOptions> = {}): Promise<RunningLive> {
  return RunningLive.start({
    topics: [
      keyedTopic("devices", { match: matchFields }),
      logTopic("alerts", { match: matchFields }),
      keyedTopic("strict", { match: matchFields, params: typeOnly }),
      keyedTopic("sites/north/devices"),
    ],
    ...options,
  });
}

describe.each(Object.keys(clientKinds) as (keyof typeof clientKinds)[])(
  "Level 0 with %s",
  (kind) => {
    test("params by message: the matching state first, then its events, data and nothing else", async () => {
      const live = await start();
      const devices = live.topic("devices");
      await devices.set("a", { name: "a", type: "AP" });
      await devices.set("b", { name: "b", type: "switch" });
      const client = await live.level0("devices", kind);
      client.send({ type: "AP" });
      expect(await client.nextText()).toBe('{"name":"a","type":"AP"}');
      await devices.set("c", { name: "c", type: "switch" });
      await devices.set("d", { name: "d", type: "AP" });
      expect(await client.nextText()).toBe('{"name":"d","type":"AP"}');
    });

    test("params in the query: the subscription starts immediately", async () => {
      const live = await start();
      await live.topic("devices").set("a", { type: "AP" });
      await live.topic("devices").set("b", { type: "b" });
      const client = await live.level0("devices?type=AP", kind);
      expect(await client.next()).toEqual({ type: "AP" });
    });

    test.each(["", "  ", "{}"])("the message %j requests everything", async (message) => {
      const live = await start();
      await live.topic("devices").set("a", 1);
      const client = await live.level0("devices", kind);
      client.send(message);
      expect(await client.next()).toBe(1);
    });
  },
);

describe("Level 0", () => {
  test("nothing is sent before the params arrive", async () => {
    const live = await start();
    const client = await live.level0("alerts");
    await live.topic("alerts").publish(1);
    client.send("{}");
    await client.barrier();
    await live.topic("alerts").publish(2);
    expect(await client.next()).toBe(2);
  });

  test("later params replace the earlier ones: the new state is sent, then its events", async () => {
    const live = await start();
    const devices = live.topic("devices");
    await devices.set("a", { type: "AP" });
    await devices.set("b", { type: "switch" });
    const client = await live.level0("devices");
    client.send({ type: "AP" });
    expect(await client.next()).toEqual({ type: "AP" });
    client.send({ type: "switch" });
    expect(await client.next()).toEqual({ type: "switch" });
    await devices.set("a", { type: "AP", again: true });
    await devices.set("b", { type: "switch", again: true });
    expect(await client.next()).toEqual({ type: "switch", again: true });
  });

  test('a removed key is sent as {"removed":key}, and so is one that stops matching', async () => {
    const live = await start();
    const devices = live.topic("devices");
    const client = await live.level0("devices?type=AP");
    await devices.set('quote"', { type: "AP" }).then(() => devices.set("b", { type: "AP" }));
    expect(await client.take(2)).toEqual([{ type: "AP" }, { type: "AP" }]);
    await devices.remove('quote"');
    await devices.set("b", { type: "switch" });
    expect(await client.take(2)).toEqual([{ removed: 'quote"' }, { removed: "b" }]);
  });

  test("a log topic starts from now on", async () => {
    const live = await start();
    await live.topic("alerts").publish({ level: "1", n: 1 });
    const client = await live.level0("alerts?level=1");
    await live.topic("alerts").publish({ level: "2", n: 2 });
    await live.topic("alerts").publish({ level: "1", n: 3 });
    expect(await client.next()).toEqual({ level: "1", n: 3 });
  });

  test("a topic below a path, percent-encoded or not", async () => {
    const live = await start();
    await live.topic("sites/north/devices").set("a", 1);
    const plain = await live.level0("sites/north/devices?x=1");
    const encoded = await live.level0("sites%2Fnorth%2Fdevices?x=1");
    expect([await plain.next(), await encoded.next()]).toEqual([1, 1]);
  });

  test.each([
    ["no JSON", "params"],
    ["an array", "[]"],
    ["null", "null"],
    ["a number", "3"],
  ])("%s as params closes with 4400", async (_what, message) => {
    const live = await start();
    const client = await live.level0("devices");
    client.send(message);
    expect(await client.closed).toMatchObject({ code: 4400 });
  });

  test("a binary message closes with 4400", async () => {
    const live = await start();
    const client = await live.level0("devices");
    client.sendBinary(Buffer.from("{}"));
    expect(await client.closed).toMatchObject({ code: 4400 });
  });

  test.each(["nothing", "%E0%A4%A", "__proto__", "constructor", "devices/x"])(
    "the topic %s is unknown: 4404",
    async (name) => {
      const live = await start();
      const client = await live.level0(name);
      expect(await client.closed).toMatchObject({ code: 4404 });
    },
  );

  test("neither a topic nor the subprotocol: 4400, with a reason that says what to offer", async () => {
    const live = await start();
    const client = clientKinds.ws(live.url());
    const { code, reason } = await client.closed;
    expect(code).toBe(4400);
    expect(reason).toContain("longwire.v1");
  });

  test("no params in time: 4408", async () => {
    const live = await start({ paramsTimeoutMs: 20 });
    const client = await live.level0("devices");
    expect(await client.closed).toMatchObject({ code: 4408 });
  });

  test("params in time keep it open", async () => {
    const live = await start({ paramsTimeoutMs: 300 });
    const kept = await live.level0("devices");
    kept.send("");
    const late = await live.level0("devices");
    expect(await late.closed).toMatchObject({ code: 4408 });
    await live.topic("devices").set("a", 1);
    expect(await kept.next()).toBe(1);
  });

  test("a message above maxMessageBytes closes with 4413; bytes count, not characters", async () => {
    const live = await start({ maxMessageBytes: 100 });
    const fits = await live.level0("devices");
    const longer = await live.level0("devices");
    fits.send(JSON.stringify({ x: "é".repeat(46) }));
    longer.send(JSON.stringify({ x: "é".repeat(47) }));
    expect(await longer.closed).toMatchObject({ code: 4413 });
    await live.topic("devices").set("a", { x: "é".repeat(46) });
    expect(await fits.next()).toEqual({ x: "é".repeat(46) });
  });

  test("params that the schema refuses close with 4422 and a reason in plain ASCII", async () => {
    const live = await start();
    const client = await live.level0("strict?colour=red");
    const { code, reason } = await client.closed;
    expect(code).toBe(4422);
    expect(reason).toBe("only type may be asked for ? nothing else");
  });

  test("params that are too deep or too long close with 4422", async () => {
    const live = await start();
    const deep = await live.level0("devices");
    deep.send(`{"a":${"[".repeat(1_001)}${"]".repeat(1_001)}}`);
    expect(await deep.closed).toMatchObject({ code: 4422 });
    const long = await live.level0("devices");
    long.send({ a: "x".repeat(20_000) });
    expect(await long.closed).toMatchObject({ code: 4422 });
  });

  test("two connections with equal params in another order receive the same", async () => {
    const live = await start();
    await live.topic("devices").set("a", { type: "AP", site: 1 });
    const one = await live.level0("devices?type=AP&site=1");
    const two = await live.level0("devices?site=1&type=AP");
    const record = { type: "AP", site: 1 };
    expect([await one.next(), await two.next()]).toEqual([record, record]);
  });
});
