import type { Socket } from "node:net";
import { describe, expect, test, vi } from "vitest";
import { WebSocket } from "../rigs/ws/implementation.ts";
import { closed, connect, listen, next, openPair, streamOf, told } from "../rigs/ws/rig.ts";

/** Members that applications read and call although they are not documented. */
describe("private members that others use", () => {
  test("_socket is the stream: null before, set after, even once it has closed", async () => {
    const { url, wss } = await listen();
    const connection = next(wss, "connection");
    const client = connect(url);
    expect(client._socket).toBeNull();
    const [peer] = (await connection) as [WebSocket];
    await next(client, "open");
    const stream = streamOf(peer);
    expect(stream.remoteAddress).toBe("127.0.0.1");
    expect(stream.remotePort).toBe((client._socket as Socket).localPort);
    stream.setKeepAlive(true);
    stream.setNoDelay(true);
    stream.unref();
    stream.ref();
    expect(stream.bytesRead).toBeGreaterThan(0);
    const end = closed(client);
    peer.close();
    await end;
    expect((client._socket as Socket).destroyed).toBe(true);
  });

  test("_socket has bytesRead and bytesWritten, and emits its events", async () => {
    const { client, peer } = await openPair();
    const before = streamOf(peer).bytesRead;
    const chunks: Buffer[] = [];
    streamOf(peer).on("data", (chunk: Buffer) => chunks.push(Buffer.from(chunk)));
    const heard = next(peer, "message");
    client.send("hi");
    await heard;
    expect(streamOf(peer).bytesRead).toBe(before + 8);
    expect(Buffer.concat(chunks)).toHaveLength(8);
  });

  test("_socket.destroy() ends the connection", async () => {
    const { client, peer } = await openPair();
    const ends = Promise.all([closed(client), closed(peer)]);
    streamOf(client).destroy();
    expect((await ends).map(({ code }) => code)).toEqual([1006, 1006]);
  });

  test("_socket.end() ends it, too", async () => {
    const { client, peer } = await openPair();
    const ends = Promise.all([closed(client), closed(peer)]);
    streamOf(client).end();
    expect((await ends).map(({ code }) => code)).toEqual([1006, 1006]);
  });

  test("_sender sends, and is null before", async () => {
    const { url } = await listen();
    const client = connect(url);
    expect(client._sender).toBeNull();
    await next(client, "open");
    const options = { binary: false, compress: false, fin: true, mask: true };
    expect(await told((done) => client._sender!.send("hi", options, done))).toBe("written");
  });

  test("_isServer distinguishes the ends", async () => {
    const { client, peer } = await openPair();
    expect([client._isServer, peer._isServer]).toEqual([false, true]);
  });

  test("_extensions and _protocol are the negotiated ones", async () => {
    const { peer } = await openPair({ perMessageDeflate: true }, { protocols: "foo" });
    expect(Object.keys(peer._extensions)).toEqual(["permessage-deflate"]);
    expect(peer._protocol).toBe("foo");
    peer._protocol = "bar";
    expect(peer.protocol).toBe("bar");
  });

  test("_server is the server's HTTP server, and null after it was closed", async () => {
    const { wss } = await listen();
    expect(wss._server!.listening).toBe(true);
    wss.close();
    expect(wss._server).toBeNull();
  });
});

describe("members that others patch", () => {
  test("overridden methods of the class are called", async () => {
    const { client, peer } = await openPair();
    const emit = vi.spyOn(client, "emit");
    const end = closed(client);
    peer.send("hi");
    peer.ping();
    peer.close();
    await end;
    expect(emit.mock.calls.map(([event]) => event)).toEqual(["message", "ping", "close"]);
  });

  test("can be replaced on the prototype", () => {
    for (const name of ["send", "ping", "pong", "close", "terminate", "setSocket"] as const) {
      const descriptor = Object.getOwnPropertyDescriptor(WebSocket.prototype, name);
      expect(descriptor).toMatchObject({ writable: true, configurable: true });
    }
  });
});
