import { describe, expect, test } from "vitest";
import { Opcode } from "../../../src/protocol/index.ts";
import { closePayload, maskedFrame, plainFrame, utf8 } from "../../rigs/protocol/masked-frame.ts";
import { RawClient } from "../../rigs/sockets/raw-client.ts";
import type { WebSocket } from "../../rigs/ws/implementation.ts";
import {
  closed,
  connect,
  keep,
  listen,
  Log,
  next,
  openPair,
  text,
  told,
  turns,
} from "../../rigs/ws/rig.ts";
import { rawServer } from "../../rigs/ws/raw-peer.ts";

/** A server's socket and a raw client. */
async function rawPair(options = {}): Promise<{ peer: WebSocket; raw: RawClient }> {
  const { port, wss } = await listen(options);
  const connection = next(wss, "connection");
  const raw = await RawClient.upgrade(port);
  const [peer] = (await connection) as [WebSocket];
  return { peer: keep(peer), raw };
}

describe("close()", () => {
  const cases: [string, [(number | undefined)?, (string | Buffer)?], number, string][] = [
    ["without a code is 1005 at both ends", [], 1005, ""],
    ["with a reason but no code is 1005, too", [undefined, "x"], 1005, ""],
    ["with a code has no reason", [1000], 1000, ""],
    ["with a code and a reason has both", [3000, "reason €"], 3000, "reason €"],
    ["takes bytes as reason", [4999, Buffer.from("hi")], 4999, "hi"],
    ["treats a reason without length as no reason", [1000, 5 as never], 1000, ""],
    ["takes 1013", [1013], 1013, ""],
    ["takes 1014", [1014], 1014, ""],
    ["accepts a reason of 123 bytes", [1000, "x".repeat(123)], 1000, "x".repeat(123)],
  ];
  test.each(cases)("%s", async (_, given, code, reason) => {
    const { client, peer } = await openPair();
    const both = Promise.all([closed(client), closed(peer)]);
    client.close(...given);
    expect(await both).toEqual([
      { code, reason, readyState: 3 },
      { code, reason, readyState: 3 },
    ]);
  });

  test.each([999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, "1000", "error", null, Number.NaN])(
    "throws for the code %s and leaves the socket open",
    async (code) => {
      const { client, peer } = await openPair();
      const refusal = new TypeError("First argument must be a valid error code number");
      expect(() => client.close(code as never)).toThrow(refusal);
      expect(client.readyState).toBe(1);
      client.send("still open");
      expect(await text(peer)).toBe("still open");
    },
  );

  test("accepts a reason of bytes that are not UTF-8, however long they become as text", async () => {
    const { client, peer } = await openPair();
    peer.on("error", () => {});
    const both = Promise.all([closed(client), closed(peer)]);
    client.close(1000, Buffer.alloc(123, 0xff));
    await both;
    expect([client.readyState, peer.readyState]).toEqual([3, 3]);
  });

  test("throws for a reason that is too long or of another type", async () => {
    const { client } = await openPair();
    const tooLong = new RangeError("The message must not be greater than 123 bytes");
    expect(() => client.close(1000, "x".repeat(124))).toThrow(tooLong);
    expect(() => client.close(1000, "€".repeat(42))).toThrow(tooLong);
    const wrong = new TypeError("Second argument must be a string or a Uint8Array");
    expect(() => client.close(1000, new Uint16Array([1]) as never)).toThrow(wrong);
    expect(client.readyState).toBe(1);
  });

  test("does nothing while it closes and after it has closed, with any arguments", async () => {
    const { client } = await openPair();
    const close = closed(client);
    client.close(4000);
    client.close(1);
    expect(client.readyState).toBe(2);
    expect((await close).code).toBe(4000);
    client.close(1);
    expect(client.readyState).toBe(3);
  });

  test("follows the messages sent before, all of which are delivered", async () => {
    const { client, peer } = await openPair({ perMessageDeflate: { threshold: 0 } });
    const log = new Log(client);
    const written = ["foo", "bar", "baz"].map((data) => told((done) => peer.send(data, done)));
    peer.close();
    peer.close();
    expect(await log.closed).toEqual(["text foo", "text bar", "text baz", "close 1005"]);
    expect(await Promise.all(written)).toEqual(["written", "written", "written"]);
  });

  test("messages that arrive afterwards are delivered, with the state 2", async () => {
    const { raw, peer } = await rawPair();
    const log = new Log(peer);
    peer.close(4000);
    await raw.framesWhen(1);
    raw.write(maskedFrame({ opcode: Opcode.Text, payload: utf8("late") }));
    raw.write(maskedFrame({ opcode: Opcode.Close, payload: closePayload(4001) }));
    expect(await log.closed).toEqual(["text late", "close 4001"]);
    expect(log.states).toEqual([2, 3]);
  });

  test("the received code is reported", async () => {
    const { raw, peer } = await rawPair();
    const close = closed(peer);
    peer.close(4000, "mine");
    raw.write(maskedFrame({ opcode: Opcode.Close, payload: closePayload(4001, utf8("yours")) }));
    expect(await close).toEqual({ code: 4001, reason: "yours", readyState: 3 });
  });
});

describe("on the wire", () => {
  test("close() of a server sends an empty frame, and a client's reply is masked", async () => {
    const { raw, peer } = await rawPair();
    peer.close();
    await raw.framesWhen(1);
    expect(raw.received.subarray(-2).toString("hex")).toBe("8800");
    const { url, peers } = await rawServer();
    const client = connect(url);
    await next(client, "open");
    peers[0]!.write(plainFrame({ opcode: Opcode.Close }));
    const [frame] = await peers[0]!.framesWhen(1);
    expect(peers[0]!.received.subarray(0, 2).toString("hex")).toBe("8880");
    expect(frame).toMatchObject({ opcode: Opcode.Close, headerBytes: 6 });
  });

  test("a Close frame is echoed, with code and reason", async () => {
    const { raw, peer } = await rawPair();
    const close = closed(peer);
    const payload = closePayload(4321, utf8("why"));
    raw.write(maskedFrame({ opcode: Opcode.Close, payload }));
    expect(await close).toEqual({ code: 4321, reason: "why", readyState: 3 });
    expect(raw.frames).toMatchObject([{ opcode: Opcode.Close, payload }]);
    await raw.ended();
  });

  test("a client ends the connection itself after both Close frames", async () => {
    const { url, peers } = await rawServer();
    const client = connect(url);
    await next(client, "open");
    client.close(1000);
    await peers[0]!.framesWhen(1);
    peers[0]!.write(plainFrame({ opcode: Opcode.Close, payload: closePayload(1000) }));
    await peers[0]!.ended();
    peers[0]!.socket.end();
    expect((await closed(client)).code).toBe(1000);
  });

  test("data after a Close frame is ignored", async () => {
    const { raw, peer } = await rawPair();
    const log = new Log(peer);
    const close = maskedFrame({ opcode: Opcode.Close, payload: closePayload(1000) });
    const late = maskedFrame({ opcode: Opcode.Text, payload: utf8("late") });
    raw.write(Buffer.concat([close, late, Buffer.from([0xff, 0xff])]));
    expect(await log.closed).toEqual(["close 1000"]);
  });
});

describe("the end of the transport", () => {
  test("without a Close frame is 1006, without an error", async () => {
    const { raw, peer } = await rawPair();
    const log = new Log(peer);
    raw.socket.end();
    expect(await log.closed).toEqual(["close 1006"]);
    await raw.ended();
  });

  test("by a reset is 1006, too, without an error", async () => {
    const { raw, peer } = await rawPair();
    const log = new Log(peer);
    raw.socket.resetAndDestroy();
    expect(await log.closed).toEqual(["close 1006"]);
  });

  test("is reported after earlier data", async () => {
    const { raw, peer } = await rawPair();
    const log = new Log(peer);
    raw.socket.end(maskedFrame({ opcode: Opcode.Text, payload: utf8("last") }));
    expect(await log.closed).toEqual(["text last", "close 1006"]);
  });
});

describe("terminate()", () => {
  test("ends it immediately: 2, then 'close' with 1006 in a later turn, without an error", async () => {
    const { client, peer } = await openPair();
    const logs = [new Log(client), new Log(peer)];
    client.terminate();
    expect(client.readyState).toBe(2);
    expect(logs[0]!.lines).toEqual([]);
    expect(await logs[0]!.closed).toEqual(["close 1006"]);
    expect(await logs[1]!.closed).toEqual(["close 1006"]);
  });

  test("does not discard messages that were sent before", async () => {
    const { client, peer } = await openPair();
    const log = new Log(client);
    peer.send("last");
    peer.terminate();
    expect(await log.closed).toEqual(["text last", "close 1006"]);
  });

  test("ends a close() without a reply", async () => {
    const { peer } = await rawPair();
    const close = closed(peer);
    peer.close();
    peer.terminate();
    expect((await close).code).toBe(1006);
  });
});

describe("closeTimeout", () => {
  test("limits the time for the reply, at both ends", async () => {
    const { peer } = await rawPair({ closeTimeout: 30 });
    const close = closed(peer);
    peer.close();
    expect(await close).toEqual({ code: 1006, reason: "", readyState: 3 });

    const { url } = await rawServer();
    const client = connect(url, { closeTimeout: 30 });
    await next(client, "open");
    client.close();
    expect((await closed(client)).code).toBe(1006);
  });

  test("limits the time that the other end may keep the connection after both Close frames", async () => {
    const { url, peers } = await rawServer();
    const client = connect(url, { closeTimeout: 30 });
    await next(client, "open");
    const close = closed(client);
    peers[0]!.write(plainFrame({ opcode: Opcode.Close, payload: closePayload(1001) }));
    // The peer never ends its own half.
    expect((await close).code).toBe(1001);
  });
});

describe("'close'", () => {
  test("is emitted once, and is the last event", async () => {
    const { client, peer } = await openPair();
    const log = new Log(client);
    client.close();
    client.terminate();
    await log.closed;
    peer.terminate();
    client.terminate();
    await turns(3);
    expect(log.lines).toEqual(["close 1006"]);
  });

  test("has a reason that does not keep other memory alive", async () => {
    const { client, peer } = await openPair();
    const close = next(client, "close") as Promise<[number, Buffer]>;
    peer.close(4000, "hi");
    const [, reason] = await close;
    expect(Buffer.isBuffer(reason)).toBe(true);
    expect(reason.toString()).toBe("hi");
    expect(reason.buffer.byteLength).toBe(2);
  });

  test("leaves _socket readable", async () => {
    const { client, peer } = await openPair();
    const close = closed(client);
    peer.close();
    await close;
    expect(client._socket!.destroyed).toBe(true);
  });
});
