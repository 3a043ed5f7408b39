import { expect, test } from "vitest";
import type { ConnectOptions } from "../../../src/live/client/index.ts";
import { eventually } from "../../rigs/clock/eventually.ts";
import { describeWithOlder } from "../../rigs/live/older-version.ts";
import { RunningLive } from "../../rigs/live/running-live.ts";
import { dataOf, openClient, type TestClient, untilLive, untilReplaced } from "./clients.ts";
import { everything } from "./everything.ts";

await describeWithOlder("the connection of an old client with a new server", (older) => {
  const open = async (
    options: ConnectOptions = { token: "ann" },
  ): Promise<{ running: RunningLive; client: TestClient; news: unknown[] }> => {
    const running = await RunningLive.start(everything);
    const client = openClient(older, running, options);
    const news = dataOf(client, "news");
    await untilLive(client);
    return { running, client, news };
  };

  /** Whether it receives what is published, each event once. */
  const expectResumed = async ({ running, news }: Awaited<ReturnType<typeof open>>) => {
    for (const n of [1, 2]) await running.topic("news").publish(n);
    await eventually(() => news.slice(-2)).toEqual([1, 2]);
  };

  test("lasts longer than its token, if the token is refreshed", async () => {
    const tokens = ["ann lives 1250", "ann"];
    const opened = await open({ token: () => tokens.shift()! });
    await eventually(() => tokens).toEqual([]);
    await eventually(() => opened.running.live.census().sessions).toBe(1);
    await expectResumed(opened);
    expect(opened.client.sockets).toHaveLength(1);
  });

  test("ends with 4401 if the next token is refused", async () => {
    const tokens = ["ann lives 300", "nobody"];
    const { client } = await open({ token: () => tokens.shift()! });
    await eventually(() => client.live.status).toMatchObject({ state: "refused", code: 4401 });
    expect(tokens).toEqual([]);
  });

  test("ends with 4401 if its identity is revoked, and is refused afterwards", async () => {
    const { running, client } = await open();
    const options = { reason: "The account was closed." };
    await running.live.connections.revoke({ identity: "ann" }, Date.now() + 60_000, options);
    const refused = { state: "refused", code: 4401, message: "The account was closed." };
    await eventually(() => client.live.status).toEqual(refused);
    client.live.reconnect();
    expect(client.live.status.state).toBe("connecting");
    await eventually(() => client.live.status).toEqual(refused);
  });

  test("is replaced if it is closed with retry, and not otherwise", async () => {
    const opened = await open();
    const { running, client } = opened;
    const { connections } = running.live;
    await untilReplaced(client, () => connections.disconnect({ identity: "ann" }));
    await expectResumed(opened);
    await connections.disconnect({ identity: "ann" }, { retry: false, reason: "Go away." });
    const refused = { state: "refused", code: 4403, message: "Go away." };
    await eventually(() => client.live.status).toEqual(refused);
    expect(client.sockets).toHaveLength(2);
  });

  test("is replaced if the server sheds it", async () => {
    const opened = await open();
    await untilReplaced(opened.client, () => {
      expect(opened.running.live.shed({ share: 1, overMs: 0 })).toBe(1);
    });
    await expectResumed(opened);
  });

  test("moves to another server if its own drains", async () => {
    const { running, client, news } = await open();
    const next = await RunningLive.start(everything);
    const statuses: object[] = [];
    client.live.onStatus((status) => statuses.push(status));
    await untilReplaced(client, () => {
      client.direct(next);
      return running.close();
    });
    expect(statuses).toContainEqual(expect.objectContaining({ state: "offline", code: 1012 }));
    await next.topic("news").publish("from the next");
    await eventually(() => news.at(-1)).toBe("from the next");
  });

  test("survives the end of a subscription by order, and a recheck", async () => {
    const opened = await open();
    const { running, client } = opened;
    const devices = client.live.topic("devices");
    const stop = devices.subscribe(
      () => {},
      () => {},
    );
    await untilLive(client);
    await running.live.connections.unsubscribe({ identity: "ann" }, "devices");
    await eventually(() => devices.status).toMatchObject({ error: { code: "forbidden" } });
    stop();
    await running.live.connections.recheck({ identity: "ann" });
    await expectResumed(opened);
    expect(client.sockets).toHaveLength(1);
  });

  test("offers nothing, so calls are rejected at once and commands wait", async () => {
    const opened = await open();
    const { running, client } = opened;
    expect("handle" in client.live).toBe(false);
    const ann = running.live.identity("ann");
    await expect(ann.call("reboot")).rejects.toMatchObject({ code: "not_offered" });
    const command = await ann.command("reboot");
    const answers: unknown[] = [];
    for await (const answer of running.live.followers("news").call("reboot")) answers.push(answer);
    expect(answers).toEqual([]);
    await expectResumed(opened);
    expect([...running.topic("$commands").events()]).toMatchObject([
      { data: { state: "pending" } },
    ]);
    expect(await command.withdraw()).toBe(true);
  });
});
