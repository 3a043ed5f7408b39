import { describe, expect, onTestFinished, test } from "vitest";
import { createWebSocketStream } from "../rigs/ws/implementation.ts";
import { rawServer } from "../rigs/ws/raw-peer.ts";
import {
  closed,
  connect,
  listen,
  next,
  nextUncaught,
  openPair,
  streamOf,
  turns,
} from "../rigs/ws/rig.ts";
import { openStream, watch, whenClosed } from "./stream-rig.ts";

describe("errors", () => {
  test("of the socket are the stream's", async () => {
    const { duplex, peer, seen } = await openStream();
    const error = next(duplex, "error") as Promise<[Error & { code: string }]>;
    const end = closed(peer);
    streamOf(peer).write(Buffer.from([0x85, 0]));
    const [given] = await error;
    expect(given).toBeInstanceOf(RangeError);
    expect(given.code).toBe("WS_ERR_INVALID_OPCODE");
    expect((await end).code).toBe(1002);
    expect(await whenClosed(seen)).toEqual([
      "error Invalid WebSocket frame: invalid opcode 5",
      "close",
    ]);
  });

  test("caused by the peer leave it time to receive the Close frame", async () => {
    const { url, peers } = await rawServer();
    const client = connect(url);
    const duplex = createWebSocketStream(client);
    const seen = watch(duplex);
    await next(client, "open");
    peers[0]!.write(Buffer.from([0x85, 0]));
    await peers[0]!.ended();
    await turns(5);
    expect([seen.length, duplex.destroyed]).toEqual([0, true]);
    expect(streamOf(client).destroyed).toBe(false);
    peers[0]!.socket.end();
    expect(await whenClosed(seen)).toEqual([
      "error Invalid WebSocket frame: invalid opcode 5",
      "close",
    ]);
  });

  test("without a listener are thrown", async () => {
    const { client, peer } = await openPair();
    const duplex = createWebSocketStream(client);
    onTestFinished(() => void duplex.destroy());
    const uncaught = nextUncaught();
    streamOf(peer).write(Buffer.from([0x85, 0]));
    expect((await uncaught).message).toBe("Invalid WebSocket frame: invalid opcode 5");
    expect(duplex.destroyed).toBe(true);
  });

  test("of an abort are the stream's: destroy() while connecting", async () => {
    const { url } = await listen();
    const duplex = createWebSocketStream(connect(url));
    const seen = watch(duplex);
    duplex.destroy();
    expect(await whenClosed(seen)).toEqual([
      "error WebSocket was closed before the connection was established",
      "close",
    ]);
  });
});

describe("destroy()", () => {
  test("ends the connection, and 'close' is emitted with that of the socket", async () => {
    const { duplex, client, peer, seen } = await openStream();
    const ends = Promise.all([closed(client), closed(peer)]);
    duplex.destroy();
    expect((await ends).map(({ code }) => code)).toEqual([1006, 1006]);
    expect(await whenClosed(seen)).toEqual(["close"]);
  });

  test("with an error emits it", async () => {
    const { duplex, seen } = await openStream();
    const error = new Error("Oops");
    const heard = next(duplex, "error");
    duplex.destroy(error);
    expect((await heard)[0]).toBe(error);
    expect(await whenClosed(seen)).toEqual(["error Oops", "close"]);
  });
});
