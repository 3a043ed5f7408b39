import { describe, expect, expectTypeOf, onTestFinished, test } from "vitest";
import { logTopic, method } from "../../src/live/index.ts";
import { connect } from "../../src/live/client/index.ts";
import { TestLive, VirtualClock } from "../../src/testing/index.ts";
import { settle } from "../../src/testing/settle.ts";

const topics = [logTopic<"news", string>("news", { clientPublish: true })] as const;
/** Errors that a test throws on purpose are not printed. */
const onError = (): void => {};
const methods = {
  add: method({ handle: ({ a, b }: { a: number; b: number }) => a + b }),
  fail: method({ handle: (): number => Promise.reject(new Error("broken")) as never }),
};

async function start() {
  const live = await TestLive.start({ topics, methods, onError });
  onTestFinished(() => live.close());
  return live;
}

const never = new Promise<never>(() => {});

describe("live.settle", () => {
  test("resolves with the promise's value, and advances the clock only as far as it needs", async () => {
    const live = await start();
    live.network.carriage.latencyMs = 50;
    const client = live.connect();
    const started = live.clock.now();
    const sum = await live.settle(client.call("add", { a: 1, b: 2 }));
    expectTypeOf(sum).toEqualTypeOf<number>();
    // A handshake, `hello` and `welcome`, and the call: at most three round trips.
    expect([sum, live.clock.now() - started <= 300]).toEqual([3, true]);
  });

  test("advances nothing for a promise that is settled already", async () => {
    const live = await start();
    live.connect();
    const started = live.clock.now();
    expect(await live.settle(Promise.resolve("now"))).toBe("now");
    expect(live.clock.now()).toBe(started);
  });

  test("goes through an outage: the client's wait to reconnect passes on the clock", async () => {
    const live = await start();
    const client = live.connect();
    await live.pass(100);
    live.network.goDown();
    live.clock.after(20_000, () => live.network.comeBack());
    const { offset } = await live.settle(client.publish("news", "a"));
    expect(offset).toBe(1);
  });

  test("rejects with the promise's own error", async () => {
    const live = await start();
    const client = live.connect();
    await expect(live.settle(client.call("fail"))).rejects.toMatchObject({ code: "internal" });
  });

  test("rejects with not_settled at once when nothing is pending on the clock", async () => {
    // A running server always has timers, so this is a clock of its own.
    const clock = new VirtualClock();
    clock.after(10, () => {});
    await expect(settle(clock, never)).rejects.toMatchObject({
      code: "not_settled",
      message: expect.stringMatching(/^The promise is still pending, and no timer .*\.$/) as string,
    });
  });

  test("rejects with not_settled after withinMs, one hour by default, while heartbeats go on", async () => {
    const live = await start();
    live.connect();
    const started = live.clock.now();
    await expect(live.settle(never, { withinMs: 60_000 })).rejects.toMatchObject({
      code: "not_settled",
      message: expect.stringContaining("60000 ms have passed on the kit's clock") as string,
    });
    expect(live.clock.now() - started).toBeLessThanOrEqual(60_000);
    await expect(live.settle(never)).rejects.toThrow("3600000 ms");
  });
});

test("a relative URL is resolved against the network's page, as in a browser", async () => {
  const live = await start();
  const { WebSocket } = live.network;
  const client = connect("/live", { webSocket: WebSocket, clock: live.clock });
  onTestFinished(() => client.close());
  await live.pass(100);
  expect(client.status).toEqual({ state: "live" });
  expect(live.network.connections[0]?.socket.url).toBe(live.url);
});
