import type { ClientRequest } from "node:http";
import { describe, expect, test } from "vitest";
import { WebSocket } from "../../rigs/ws/implementation.ts";
import {
  closed,
  connect,
  listen,
  Log,
  next,
  nextUncaught,
  told,
  turns,
} from "../../rigs/ws/rig.ts";
import { rawServer } from "../../rigs/ws/raw-peer.ts";

const ABORTED = "error WebSocket was closed before the connection was established";

describe.each(["close", "terminate"] as const)("%s() while connecting", (end) => {
  test("ends it: an error, then 'close' with 1006, in a later turn", async () => {
    const { url } = await listen();
    const client = connect(url);
    const log = new Log(client);
    client[end]();
    expect(client.readyState).toBe(2);
    expect(log.lines).toEqual([]);
    // A second call has no effect.
    client[end]();
    expect(await log.closed).toEqual([ABORTED, "close 1006"]);
    expect(client.readyState).toBe(3);
    await turns(2);
    expect(log.lines).toHaveLength(2);
  });

  test("ends it while the server is still deciding", async () => {
    const asked: string[] = [];
    const { url, wss } = await listen({
      verifyClient: (_info: object, _done: unknown) => {
        asked.push("asked");
        client[end]();
      },
    });
    const client = connect(url);
    expect(await new Log(client).closed).toEqual([ABORTED, "close 1006"]);
    expect(asked).toEqual(["asked"]);
    expect(wss.clients!.size).toBe(0);
  });

  test("is harmless in a listener of an earlier error", async () => {
    const { url } = await rawServer(() => "foo\r\n\r\n");
    const client = connect(url);
    const log = new Log(client);
    client.once("error", () => client[end]());
    const lines = await log.closed;
    expect(lines).toEqual([expect.stringMatching(/^error Parse Error/), "close 1006"]);
  });

  test("ends it in a listener of 'upgrade'", async () => {
    const { url } = await listen();
    const client = connect(url);
    const log = new Log(client);
    client.once("upgrade", () => client[end]());
    expect(await log.closed).toEqual(["upgrade", ABORTED, "close 1006"]);
  });

  test("ends it in a listener of 'redirect'", async () => {
    const { url } = await rawServer(
      () => "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
    );
    const client = connect(url, { followRedirects: true });
    const log = new Log(client);
    client.once("redirect", () => client[end]());
    expect(await log.closed).toEqual([ABORTED, "close 1006"]);
  });

  test("does nothing after it has closed", async () => {
    const { url, wss } = await listen();
    wss.on("connection", (peer: WebSocket) => peer.terminate());
    const client = connect(url);
    const log = new Log(client);
    await log.closed;
    client[end]();
    await turns(2);
    expect(client.readyState).toBe(3);
    expect(log.lines).toEqual(["upgrade", "open", "close 1006"]);
  });
});

test("without a listener, the error of an abort is thrown", async () => {
  const { url } = await listen();
  const uncaught = nextUncaught();
  const client = new WebSocket(url);
  client.close();
  expect((await uncaught).message).toBe(ABORTED.slice("error ".length));
});

test("an abort destroys the request immediately", async () => {
  const { url } = await listen();
  const client = connect(url);
  const request = client._req as ClientRequest;
  client.terminate();
  expect(request.destroyed).toBe(true);
  await closed(client);
});

test("destroying the request causes 'socket hang up'", async () => {
  const { url } = await rawServer(() => undefined);
  const client = connect(url);
  const log = new Log(client);
  const [socket] = (await next(client._req!, "socket")) as [unknown];
  expect(socket).toBeDefined();
  client._req!.destroy();
  expect(await log.closed).toEqual(["error socket hang up", "close 1006"]);
});

describe.each(["send", "ping", "pong"] as const)("%s() without a connection", (send) => {
  test("throws while connecting, even with a callback", async () => {
    const { url } = await listen();
    const client = connect(url);
    const refusal = "WebSocket is not open: readyState 0 (CONNECTING)";
    expect(() => client[send]("hi")).toThrow(new Error(refusal));
    expect(() => client[send]("hi", () => {})).toThrow(new Error(refusal));
    await next(client, "open");
  });

  test("adds messages that will never leave to bufferedAmount", async () => {
    const { url } = await listen();
    const client = connect(url);
    const close = closed(client);
    client.close();
    expect([client.readyState, client.bufferedAmount]).toEqual([2, 0]);
    client[send]("hi");
    client[send]("");
    expect(client.bufferedAmount).toBe(2);
    await close;
    client[send]("hi");
    expect(client.bufferedAmount).toBe(4);
    client[send](new Blob(["hi"]));
    expect(client.bufferedAmount).toBe(6);
  });

  test("passes the state to its callback as an error", async () => {
    const { url } = await listen();
    const client = connect(url);
    const close = closed(client);
    client.close();
    const closing = told((done) => client[send]("hi", done));
    await close;
    const after = told((done) => client[send]("hi", done));
    expect(await closing).toEqual(new Error("WebSocket is not open: readyState 2 (CLOSING)"));
    expect(await after).toEqual(new Error("WebSocket is not open: readyState 3 (CLOSED)"));
  });
});
