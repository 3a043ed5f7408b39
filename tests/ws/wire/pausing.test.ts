import { describe, expect, test } from "vitest";
import { closed, connect, listen, Log, openPair, text, turns, until } from "../../rigs/ws/rig.ts";

describe("pause() and resume()", () => {
  test("set isPaused", async () => {
    const { client } = await openPair();
    expect(client.isPaused).toBe(false);
    client.pause();
    expect(client.isPaused).toBe(true);
    client.resume();
    expect(client.isPaused).toBe(false);
  });

  test("do nothing while connecting", async () => {
    const { url } = await listen();
    const client = connect(url);
    client.pause();
    expect(client.isPaused).toBe(false);
    client.resume();
    const end = closed(client);
    client.terminate();
    await end;
  });

  test("do nothing after it has closed", async () => {
    const { client } = await openPair();
    const end = closed(client);
    client.terminate();
    await end;
    client.pause();
    expect(client.isPaused).toBe(false);
  });

  test("isPaused keeps its value when the socket closes", async () => {
    const { client } = await openPair();
    client.pause();
    const end = closed(client);
    client.terminate();
    await end;
    client.resume();
    expect(client.isPaused).toBe(true);
  });

  test("hold messages, and lose none", async () => {
    const { client, peer } = await openPair();
    client.pause();
    const log = new Log(client);
    peer.send("one");
    peer.send("two");
    await turns(20);
    expect(log.lines).toEqual([]);
    client.resume();
    await until(() => log.lines.length === 2);
    expect(log.lines).toEqual(["text one", "text two"]);
  });

  test("hold received data in 'open'", async () => {
    const { url, wss } = await listen();
    wss.on("connection", (peer) => peer.send("early"));
    const client = connect(url);
    client.on("open", () => client.pause());
    const log = new Log(client);
    await until(() => log.lines.includes("open"));
    await turns(20);
    expect(log.lines).toEqual(["upgrade", "open"]);
    const heard = text(client);
    client.resume();
    expect(await heard).toBe("early");
  });

  test("make the other end wait", async () => {
    const { client, peer } = await openPair();
    client.pause();
    const chunk = Buffer.alloc(1024 * 1024);
    let sent = 0;
    while (peer.bufferedAmount === 0) {
      peer.send(chunk);
      sent += 1;
    }
    await turns(20);
    expect(peer.bufferedAmount).toBeGreaterThan(0);
    let received = 0;
    client.on("message", () => (received += 1));
    client.resume();
    await until(() => received === sent);
    expect(peer.bufferedAmount).toBe(0);
  });
});

describe("a paused socket", () => {
  test("delivers data that arrived before the end of the connection, then closes", async () => {
    const { client, peer } = await openPair();
    const log = new Log(client);
    client.pause();
    peer.send("last");
    peer.close(4000);
    await turns(10);
    expect(log.lines).toEqual([]);
    client.resume();
    expect(await log.closed).toEqual(["text last", "close 4000"]);
  });

  test("is resumed by close(), at the latest when the other end replies", async () => {
    const { client, peer } = await openPair();
    const end = closed(client);
    client.pause();
    client.close(4000);
    client.resume();
    expect((await end).code).toBe(4000);
    expect(peer.readyState).toBeGreaterThan(1);
  });

  test("is resumed by a failure, so that it can close", async () => {
    const { client, peer } = await openPair({}, { maxPayload: 16 * 1024 });
    const log = new Log(client);
    client.on("error", () => expect(client.readyState).toBe(2));
    peer.send(Buffer.alloc(16 * 1024 + 1));
    peer.send(Buffer.alloc(1024 * 1024));
    expect(await log.closed).toEqual(["error Max payload size exceeded", "close 1006"]);
  });
});
