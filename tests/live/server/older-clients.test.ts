import { expect, test } from "vitest";
import {
  clientMethod,
  commandsTopic,
  connectionsTopic,
  keyedTopic,
  logTopic,
  method,
} from "../../../src/live/index.ts";
import { MemoryLive } from "../../rigs/live/memory-live.ts";

const authorize = (): boolean => true;

/**
 * A client of the version before `requests` knows none of these declarations. It ignores members that
 * it does not know, and receives no message of a type that it does not know.
 */
test("a client that offers nothing sees only what it saw before, whatever the server declares", async () => {
  const live = await MemoryLive.open({
    topics: [
      logTopic("news", { clientPublish: true }),
      keyedTopic("devices", { clientPublish: true, presence: true }),
      commandsTopic({ authorize }),
      connectionsTopic({ authorize }),
    ],
    methods: { add: method({ handle: (params) => params }) },
    clientMethods: { reboot: clientMethod() },
    authenticate: ({ token }) => (token === undefined ? undefined : { id: token }),
  });
  const guest = await live.level1();
  await guest.send({ type: "hello", token: "ap-7" });
  const [welcome] = guest.take();
  const known = ["type", "connection", "heartbeat", "maxMessage"];
  expect(Object.keys(welcome!)).toEqual([...known, "features"]);
  await guest.send(
    { type: "subscribe", id: 1, topic: "news" },
    { type: "subscribe", id: 2, topic: "devices" },
    { type: "publish", id: 3, topic: "news", data: 1 },
    { type: "publish", id: 4, topic: "devices", key: "a", data: 2 },
    { type: "call", id: 5, method: "add", params: { a: 1 } },
    { type: "ping", id: 6 },
    { type: "refresh", token: "ap-7" },
    { type: "unsubscribe", id: 7, topic: "news" },
  );
  const types = new Set(guest.types());
  const before = [
    "subscribed",
    "snapshot",
    "event",
    "position",
    "published",
    "result",
    "pong",
    "refreshed",
    "unsubscribed",
  ];
  expect([...types].filter((type) => !before.includes(type))).toEqual([]);
  const called = live.live.identity("ap-7").call("reboot");
  await expect(called).rejects.toMatchObject({ code: "not_offered" });
  const command = await live.live.identity("ap-7").command("reboot");
  await live.pass(60_000);
  expect(new Set(guest.types())).toEqual(new Set(["heartbeat"]));
  expect(await command.withdraw()).toBe(true);
  // The end of a connection by command is a message that it knows.
  await live.live.connections.disconnect({ identity: "ap-7" });
  await live.settle();
  const [disconnect] = guest.take();
  expect(Object.keys(disconnect!)).toEqual(["type", "code", "message", "retry", "retryAfter"]);
});
