import { describe, expect, expectTypeOf, onTestFinished, test } from "vitest";
import { handle } from "../../src/live/client/answering/index.ts";
import { Ledger } from "../../src/base/index.ts";
import { clientMethod, LiveError, keyedTopic, logTopic, method } from "../../src/live/index.ts";
import { TestLive, type TestLiveOptions } from "../../src/testing/index.ts";

const topics = [
  logTopic<"news", string>("news", { clientPublish: true }),
  keyedTopic<"devices", { up: boolean }>("devices", { clientPublish: true }),
] as const;

async function start(options: Partial<TestLiveOptions> = {}) {
  const live = await TestLive.start({ ...options, topics });
  onTestFinished(() => live.close());
  return live;
}

describe("time", () => {
  test("nothing happens automatically: messages arrive while time passes", async () => {
    const live = await start();
    const client = live.connect();
    expect(client.status).toEqual({ state: "connecting" });
    await live.pass(0);
    expect(client.status).toEqual({ state: "connecting" });
    await live.pass(10);
    expect(client.status).toEqual({ state: "live" });
  });

  test("a message takes the network's latency in each direction", async () => {
    const live = await start();
    live.network.carriage.latencyMs = 100;
    const client = live.connect();
    await live.pass(1_000);
    const started = live.clock.now();
    let took = 0;
    void client.publish("news", "a").then(() => (took = live.clock.now() - started));
    await live.pass(199);
    expect(took).toBe(0);
    await live.pass(1);
    expect(took).toBe(200);
  });

  test("an hour of heartbeats passes instantly, and the connection stays", async () => {
    const live = await start();
    const client = live.connect();
    client.topic("devices").subscribe(() => {});
    await live.pass(3_600_000);
    expect(client.status).toEqual({ state: "live" });
    expect(live.network.connections).toHaveLength(1);
  });
});

describe("network failures", () => {
  test("a cut that both ends notice: offline immediately, reconnected within the first wait, and nothing is missing", async () => {
    const live = await start({});
    const client = live.connect();
    const devices = client.topic("devices");
    devices.subscribe(() => {});
    await live.pass(100);
    live.network.cut();
    expect(client.status.state).toBe("offline");
    await live.server.topic("devices").set("ap-1", { up: true });
    await live.pass(1_000);
    expect(client.status).toEqual({ state: "live" });
    expect(devices.entries.get("ap-1")).toEqual({ up: true });
  });

  test("a cut that nobody notices: the client detects the silence within two heartbeats", async () => {
    const live = await start({ heartbeatMs: 5_000 });
    const client = live.connect();
    await live.pass(100);
    live.network.cut("nobody");
    await live.pass(5_000);
    expect(client.status).toEqual({ state: "live" });
    await live.pass(7_000);
    expect(live.network.connections.some(({ peer }) => peer?.isOpen)).toBe(true);
    expect(client.status).toEqual({ state: "live" });
    // The server's end of the old one is given up, too, in its own time.
    await live.pass(live.network.serverPatienceMs);
    expect(live.server.census().sessions).toBe(1);
  });

  test("an outage: attempts are refused or unanswered until the network returns", async () => {
    for (const how of ["refusing", "silent"] as const) {
      const live = await start();
      const client = live.connect();
      await live.pass(100);
      live.network.goDown(how);
      await live.pass(120_000);
      expect(client.status.state).not.toBe("live");
      live.network.comeBack();
      await live.pass(60_000);
      expect(client.status).toEqual({ state: "live" });
    }
  });

  test("a client that reads nothing costs the server one budget, and gets the newest state when it reads", async () => {
    const live = await start();
    const client = live.connect();
    const devices = client.topic("devices");
    devices.subscribe(() => {});
    await live.pass(100);
    const [connection] = live.network.connections;
    connection!.carriage = { latencyMs: 1, bytesPerSecond: 0 };
    const pad = "x".repeat(5_000);
    for (let n = 0; n < 100; n += 1)
      await live.server.topic("devices").set("k", { up: true, pad, n } as never);
    await live.pass(1_000);
    expect(connection!.peer!.bufferedAmount).toBeLessThan(130_000);
    connection!.carriage = undefined;
    await live.pass(1_000);
    expect(devices.entries.get("k")).toMatchObject({ n: 99 });
  });
});

describe("the end of a server", () => {
  test("after a crash with the log kept, nothing is lost or duplicated", async () => {
    const live = await start();
    const client = live.connect();
    const seen: unknown[] = [];
    client
      .topic("news")
      .subscribe((item) => void seen.push(item.type === "event" ? item.data : item));
    await live.pass(100);
    await live.server.topic("news").publish("one");
    await live.pass(100);
    await live.restart("kept");
    await live.server.topic("news").publish("two");
    await live.pass(5_000);
    expect(seen).toEqual(["one", "two"]);
  });

  test("after a crash that lost the log, a reader receives a gap", async () => {
    const live = await start();
    const client = live.connect();
    const seen: string[] = [];
    client.topic("news").subscribe((item) => void seen.push(item.type));
    await live.pass(100);
    await live.server.topic("news").publish("one");
    await live.pass(100);
    await live.restart("lost");
    await live.server.topic("news").publish("two");
    await live.pass(5_000);
    expect(seen).toEqual(["event", "gap"]);
  });

  test("a drain sends a time to reconnect, and the client does not reconnect earlier", async () => {
    const live = await start({ random: () => 0.5, returnWindowMs: 8_000 });
    const client = live.connect();
    await live.pass(100);
    live.drain();
    await live.pass(10);
    expect(client.status).toMatchObject({ state: "offline", code: 1012 });
    await live.restart("kept");
    await live.pass(3_900);
    expect(client.status.state).toBe("offline");
    await live.pass(200);
    expect(client.status).toEqual({ state: "live" });
  });

  test("pending work of a crashed server does not reach its successor", async () => {
    const live = await start();
    const old = live.server.topic("news");
    await live.restart("kept");
    await expect(old.publish("late")).rejects.toMatchObject({ code: "unavailable" });
  });
});

test("handshake headers, such as cookies, come from the network", async () => {
  const live = await start({
    authenticate: (credentials) => {
      const id = credentials.cookie("session");
      if (id === undefined) throw new LiveError("unauthorized", "Sign in.");
      return { id };
    },
  });
  const stranger = live.connect();
  await live.pass(100);
  expect(stranger.status).toMatchObject({ state: "refused", code: 4401, message: "Sign in." });
  live.network.headers.set("cookie", "a=1; session=anna");
  const anna = live.connect();
  await live.pass(100);
  expect(anna.status).toEqual({ state: "live" });
});

test("the server and the client have the API's types", async () => {
  const methods = { add: method({ handle: ({ a, b }: { a: number; b: number }) => a + b }) };
  const live = await TestLive.start({ topics, methods });
  onTestFinished(() => live.close());
  const client = live.connect();
  const sum = client.call("add", { a: 1, b: 2 });
  await live.pass(100);
  expectTypeOf(await sum).toEqualTypeOf<number>();
  expect(await sum).toBe(3);
  expectTypeOf(live.server.topic("devices").get("k")).toEqualTypeOf<{ up: boolean } | undefined>();
  // @ts-expect-error No such topic.
  expect(() => live.server.topic("nosuch")).toThrow("no topic");
});

test("a client whose share of memory is used up is notified and disconnected", async () => {
  const ledger = new Ledger({ shareBytes: 20_000 });
  const live = await start({ ledger });
  const socket = new live.network.WebSocket(live.url, "longwire.v1");
  const messages: string[] = [];
  socket.onopen = () => socket.send('{"type":"subscribe","id":1,"topic":"news"}');
  socket.addEventListener("message", (event) =>
    messages.push((event as MessageEvent<string>).data),
  );
  await live.pass(100);
  const [connection] = live.network.connections;
  connection!.carriage = { latencyMs: 1, bytesPerSecond: 0 };
  await live.server.topic("news").publish("x".repeat(30_000));
  connection!.carriage = undefined;
  await live.pass(100);
  expect(JSON.parse(messages.at(-1)!)).toMatchObject({ type: "disconnect", code: 4429 });
  expect(live.network.connections).toEqual([]);
  expect([...ledger.payers]).toEqual([]);
});

describe("MemoryWebSocket, for applications that use Level 0 directly", () => {
  test("opens, receives the state, and closes like a browser's", async () => {
    const live = await start();
    await live.server.topic("devices").set("ap-1", { up: true });
    const { WebSocket } = live.network;
    const socket = new WebSocket(`${live.url}/devices`);
    const events: unknown[] = [];
    socket.onopen = () => socket.send("{}");
    socket.addEventListener("message", (event) => events.push((event as MessageEvent).data));
    socket.onclose = ({ code, wasClean }) => events.push({ code, wasClean });
    expect(() => socket.send("early")).toThrow("connecting");
    await live.pass(100);
    expect(events).toEqual(['{"up":true}']);
    expect(() => socket.close(1001)).toThrow("1000");
    socket.close(1000, "done");
    expect(socket.readyState).toBe(socket.CLOSING);
    await live.pass(100);
    expect(events.at(-1)).toEqual({ code: 1000, wasClean: true });
    expect(socket.readyState).toBe(socket.CLOSED);
    expect(live.server.census().sessions).toBe(0);
    expect(live.network.connections).toEqual([]);
  });

  test("fails with 1006 after an error event if there is no server", async () => {
    const live = await start();
    live.network.goDown();
    const socket = new live.network.WebSocket(`${live.url}/devices`);
    const events: string[] = [];
    socket.onerror = () => events.push("error");
    socket.onclose = ({ code }) => events.push(`close ${String(code)}`);
    await live.pass(100);
    expect(events).toEqual(["error", "close 1006"]);
  });
});

test("what the server asks a client, and the answer, have the API's types", async () => {
  const clientMethods = { reboot: clientMethod<{ afterMs: number }, { uptimeMs: number }>() };
  const live = await TestLive.start({ topics, clientMethods, authenticate: () => ({ id: "ap" }) });
  onTestFinished(() => live.close());
  const client = live.connect();
  handle(client, "reboot", ({ afterMs }) => ({ uptimeMs: afterMs * 2 }));
  // @ts-expect-error The answer has another type.
  handle(client, "other", () => 1)();
  await live.pass(100);
  const asked = live.server.identity("ap").call("reboot", { afterMs: 3 });
  await live.pass(100);
  expectTypeOf(await asked).toEqualTypeOf<{ uptimeMs: number }>();
  expect(await asked).toEqual({ uptimeMs: 6 });
  // @ts-expect-error No params.
  await expect(live.server.identity("nobody").call("reboot")).rejects.toThrow("does not offer");
});
