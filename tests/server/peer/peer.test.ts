import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { Ledger } from "../../../src/base/index.ts";
import { Opcode } from "../../../src/protocol/index.ts";
import type { Peer } from "../../../src/server/index.ts";
import { turns } from "../../rigs/clock/event-loop.ts";
import { eventually } from "../../rigs/clock/eventually.ts";
import { runOver, WirePeer, type Transport } from "../../rigs/sockets/wire-peer.ts";
import { closePayload, maskedFrame, utf8 } from "../../rigs/protocol/masked-frame.ts";
import { VirtualClock } from "../../rigs/clock/virtual-clock.ts";
import { RawClient } from "../../rigs/sockets/raw-client.ts";
import { echo, runServer, Witness } from "../../rigs/sockets/run-server.ts";

const text = (content: string): Uint8Array =>
  maskedFrame({ opcode: Opcode.Text, payload: utf8(content) });

describe("messages", () => {
  test("text is echoed as text and binary as binary", async () => {
    const { port } = await runServer(echo);
    const client = await RawClient.upgrade(port);
    client.write(text("grüße"));
    client.write(maskedFrame({ opcode: Opcode.Binary, payload: Uint8Array.of(0, 255) }));
    const frames = await client.framesWhen(2);
    expect(frames.map(({ opcode }) => opcode)).toEqual([Opcode.Text, Opcode.Binary]);
    expect(Buffer.from(frames[0]!.payload).toString()).toBe("grüße");
    expect([...frames[1]!.payload]).toEqual([0, 255]);
  });

  test("payloads of pings and pongs keep their bytes", async () => {
    const kept: Uint8Array[] = [];
    const keep = (_peer: Peer, payload: Uint8Array): void => void kept.push(payload);
    const witness = Object.assign(new Witness(), { onPing: keep, onPong: keep });
    const { port } = await runServer(witness);
    const client = await RawClient.upgrade(port);
    for (const content of ["one", "two"]) {
      client.write(maskedFrame({ opcode: Opcode.Ping, payload: utf8(content) }));
      client.write(maskedFrame({ opcode: Opcode.Pong, payload: utf8(content) }));
      await client.framesWhen(1);
    }
    await eventually(() => kept.length).toBe(4);
    const texts = kept.map((payload) => Buffer.from(payload).toString());
    expect(texts).toEqual(["one", "one", "two", "two"]);
    expect(kept.every((payload) => payload.constructor === Uint8Array)).toBe(true);
  });

  test("delivered binary messages keep their bytes", async () => {
    const witness = new Witness();
    const { port } = await runServer(witness);
    const client = await RawClient.upgrade(port);
    for (const value of [1, 2, 3]) {
      client.write(
        maskedFrame({ opcode: Opcode.Binary, payload: new Uint8Array(20_000).fill(value) }),
      );
    }
    await witness.until(() => witness.messages.length === 3);
    for (const [index, message] of witness.messages.entries()) {
      expect(new Set(message as Uint8Array)).toEqual(new Set([index + 1]));
    }
  });

  test("frames of encodeText stay valid while others are encoded", async () => {
    const witness = new Witness();
    const { port } = await runServer(witness);
    const client = await RawClient.upgrade(port);
    const peer = await witness.opened();
    const frames = ["a".repeat(10), "b".repeat(200), "c".repeat(70_000)].map((content) =>
      peer.encodeText(content),
    );
    peer.send("z".repeat(1_000));
    for (const frame of frames) peer.sendFrames(frame);
    const received = await client.framesWhen(4);
    expect(
      received.map(({ payload }) => [String.fromCharCode(payload[0]!), payload.length]),
    ).toEqual([
      ["z", 1_000],
      ["a", 10],
      ["b", 200],
      ["c", 70_000],
    ]);
    expect(received.every(({ payload }) => new Set(payload).size === 1)).toBe(true);
  });

  test("messages of one turn leave in one write", async () => {
    const witness = new Witness();
    const { port } = await runServer(witness);
    const client = await RawClient.upgrade(port);
    const peer = await witness.opened();
    let chunks = 0;
    client.socket.on("data", () => (chunks += 1));
    for (let count = 0; count < 50; count += 1) peer.send("x");
    expect(await client.framesWhen(50)).toHaveLength(50);
    expect(chunks).toBe(1);
  });

  test.each([[5], [undefined], [null], [{}], [true]])(
    "send throws a TypeError for %s",
    async (message) => {
      const witness = new Witness();
      const { port } = await runServer(witness);
      const client = await RawClient.upgrade(port);
      const peer = await witness.opened();
      expect(() => peer.send(message as never)).toThrow(TypeError);
      peer.send("good");
      expect(await client.framesWhen(1)).toHaveLength(1);
    },
  );

  test("after close, send returns false and nothing is sent", async () => {
    const witness = new Witness();
    const { port } = await runServer(witness);
    const client = await RawClient.upgrade(port);
    const peer = await witness.opened();
    peer.close(4000, "over");
    expect(peer.send("late")).toBe(false);
    expect(peer.ping()).toBe(false);
    const frames = await client.framesWhen(1);
    expect(frames.map(({ opcode }) => opcode)).toEqual([Opcode.Close]);
    expect(await peer.drained()).toBe(false);
  });
});

describe("a peer that breaks the protocol", () => {
  test.each([
    ["an unmasked frame", Uint8Array.of(0x81, 0x01, 0x41), 1002],
    ["a reserved opcode", maskedFrame({ opcode: 0x3 }), 1002],
    ["a reserved bit", maskedFrame({ opcode: 0x1, reservedBits: 0x40 }), 1002],
    ["text that is not UTF-8", maskedFrame({ opcode: 0x1, payload: Uint8Array.of(0xff) }), 1007],
    ["a message beyond the limit", maskedFrame({ opcode: 0x2, announced: 2_000n }), 1009],
    ["a close code of 1005", maskedFrame({ opcode: 0x8, payload: closePayload(1005) }), 1002],
  ])("%s closes the peer with its code, and others are not affected", async (_, bytes, code) => {
    const witness = new Witness();
    const { port, server } = await runServer(witness, { maxMessageBytes: 1_000 });
    const other = await RawClient.upgrade(port);
    const bad = await RawClient.upgrade(port);
    bad.write(bytes);
    await bad.ended();
    const last = bad.frames.at(-1)!;
    expect(last.opcode).toBe(Opcode.Close);
    expect(Buffer.from(last.payload).readUInt16BE(0)).toBe(code);
    const closure = await witness.closed();
    expect(closure).toMatchObject({ code: 1006, wasClean: false, error: { closeCode: code } });
    other.write(text("still here"));
    await witness.until(() => witness.messages.length === 1);
    expect(server.peers.size).toBe(1);
  });

  test("text fails at its first invalid byte, before the frame is complete (RFC 6455 §8.1)", async () => {
    const witness = new Witness();
    const { port } = await runServer(witness);
    const client = await RawClient.upgrade(port);
    const whole = maskedFrame({ opcode: Opcode.Text, payload: utf8("a".repeat(1_000)) });
    const broken = maskedFrame({
      opcode: Opcode.Text,
      payload: Uint8Array.from([...utf8("abc"), 0xc0, ...utf8("x".repeat(996))]),
    });
    expect(broken.length).toBe(whole.length);
    client.write(broken.subarray(0, 20));
    await client.ended();
    expect(Buffer.from(client.frames.at(-1)!.payload).readUInt16BE(0)).toBe(1007);
  });

  test("unfinished messages of all peers of one address share one limit: 1013 beyond it", async () => {
    const ledger = new Ledger({ shareBytes: 150_000 });
    const { port } = await runServer(new Witness(), { maxMessageBytes: 100_000, ledger });
    const start = maskedFrame({
      opcode: Opcode.Binary,
      fin: false,
      payload: new Uint8Array(90_000),
    });
    const first = await RawClient.upgrade(port);
    first.write(start);
    first.write(maskedFrame({ opcode: Opcode.Ping }));
    await first.framesWhen(1);
    const second = await RawClient.upgrade(port);
    second.write(start);
    await second.ended();
    expect(Buffer.from(second.frames.at(-1)!.payload).readUInt16BE(0)).toBe(1013);
    expect(first.hasEnded).toBe(false);
  });
});

describe("an application that fails", () => {
  test.each(["onOpen", "onMessage", "onPing", "onPong", "onClose"] as const)(
    "%s that throws is reported to onError and ends only its own peer",
    async (method) => {
      const witness = new Witness();
      let fails = true;
      const failing = (...args: unknown[]): void => {
        if (fails && method !== "onOpen") throw new Error("bug");
        if (fails) {
          fails = false;
          throw new Error("bug");
        }
        (Witness.prototype.onOpen as (...all: unknown[]) => void).call(witness, ...args);
      };
      Object.assign(witness, { [method]: failing });
      const { port } = await runServer(witness);
      const client = await RawClient.upgrade(port);
      if (method === "onMessage") client.write(text("x"));
      if (method === "onPing") client.write(maskedFrame({ opcode: Opcode.Ping }));
      if (method === "onPong") client.write(maskedFrame({ opcode: Opcode.Pong }));
      if (method === "onClose") client.socket.destroy();
      await witness.until(() => witness.errors.length > 0);
      expect(witness.errors[0]).toMatchObject({ code: "application_failed" });
      if (method !== "onClose") {
        const close = (await client.framesWhen(1)).find(({ opcode }) => opcode === Opcode.Close);
        expect(Buffer.from(close!.payload).readUInt16BE(0)).toBe(1011);
      }
      fails = false;
      await RawClient.upgrade(port);
    },
  );

  test("onMessage that rejects is reported to onError, and the peer is closed with 1011", async () => {
    const witness = Object.assign(new Witness(), {
      onMessage: () => Promise.reject(new Error("late bug")),
    });
    const { port } = await runServer(witness);
    const client = await RawClient.upgrade(port);
    client.write(text("x"));
    const [close] = await client.framesWhen(1);
    expect(Buffer.from(close!.payload).readUInt16BE(0)).toBe(1011);
    expect(witness.errors).toHaveLength(1);
  });
});

describe("back-pressure", () => {
  test("an async onMessage handles one message at a time, in order, and reading stops meanwhile", async () => {
    const started: string[] = [];
    const finish: (() => void)[] = [];
    const changes: (() => void)[] = [];
    const endpoint = {
      onMessage: (_peer: Peer, message: string | Uint8Array): Promise<void> => {
        started.push(String(message).slice(0, 1));
        for (const change of changes.splice(0)) change();
        return new Promise((resolve) => finish.push(resolve));
      },
    };
    const startedWhen = async (count: number): Promise<void> => {
      while (started.length < count) await new Promise<void>((resolve) => changes.push(resolve));
    };
    const { port } = await runServer(endpoint);
    const client = await RawClient.upgrade(port);
    // The third message is too long for the buffers of the kernel and Node, so the client has to
    // wait.
    client.write(Buffer.concat([text("1"), text("2"), text(`3${"x".repeat(16_000_000)}`)]));
    await startedWhen(1);
    expect(started).toEqual(["1"]);
    expect(client.socket.writableLength).toBeGreaterThan(0);
    finish[0]!();
    await startedWhen(2);
    expect(started).toEqual(["1", "2"]);
    finish[1]!();
    await startedWhen(3);
    expect(started).toEqual(["1", "2", "3"]);
  });

  test("messages that arrived before the end are delivered even if the peer was paused", async () => {
    const witness = new Witness();
    const { port } = await runServer(witness);
    const client = await RawClient.upgrade(port);
    const peer = await witness.opened();
    peer.pause();
    const close = maskedFrame({ opcode: Opcode.Close, payload: closePayload(1000) });
    client.socket.end(Buffer.concat([text("1"), text("2"), close]));
    await new Promise((resolve) => client.socket.once("finish", resolve));
    expect(witness.messages).toEqual([]);
    peer.resume();
    expect(await witness.closed()).toMatchObject({ code: 1000, wasClean: true });
    expect(witness.messages).toEqual(["1", "2"]);
  });

  test.each<{ over: Transport; nodeInternals: boolean }>([
    { over: "TCP", nodeInternals: true },
    { over: "TCP", nodeInternals: false },
    { over: "TLS", nodeInternals: true },
    { over: "HTTP/2", nodeInternals: true },
  ])(
    "an end without Close waits for resume like one with Close, and messages sent before resume arrive, $over, nodeInternals $nodeInternals",
    async ({ over, nodeInternals }) => {
      const witness = new Witness();
      const running = await runOver(over, witness, { nodeInternals });
      const client = await WirePeer.open(over, running);
      const peer = await witness.opened();
      peer.pause();
      client.stream.end();
      await turns(20);
      expect(witness.closures).toEqual([]);
      expect(peer.send("still here")).toBe(true);
      await turns(5);
      peer.resume();
      expect(await witness.closed()).toMatchObject({ code: 1006, wasClean: false });
      expect((await client.framesWhen(1)).map(({ payload }) => payload)).toEqual([
        utf8("still here"),
      ]);
    },
  );

  test("an echo server buffers at most stopReadingBytes and one chunk for a peer that never reads", async () => {
    let largest = 0;
    const endpoint = {
      onMessage: (peer: Peer, message: string | Uint8Array): void => {
        peer.send(message);
        largest = Math.max(largest, peer.bufferedAmount);
      },
    };
    const { port } = await runServer(endpoint, { stopReadingBytes: 100_000 });
    const client = await RawClient.upgrade(port);
    client.socket.pause();
    const burst = Buffer.concat(Array.from({ length: 64 }, () => text("x".repeat(1_000))));
    // Until the kernel's buffers in both directions are full and the server has stopped reading.
    let written = 0;
    const isStuck = (): boolean => client.socket.writableLength > 4_000_000;
    while (!isStuck() && written < 200_000_000) {
      client.socket.write(burst);
      written += burst.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(isStuck()).toBe(true);
    expect(largest).toBeGreaterThan(0);
    expect(largest).toBeLessThan(100_000 + 2 * 65_536 + 10_000);
    client.socket.resume();
    const expected = Math.floor(written / burst.length) * 64 * 1_004;
    while (client.received.length < expected) {
      await new Promise((resolve) => client.socket.once("data", resolve));
    }
  });

  test("drained resolves with true once a slow peer has read everything", async () => {
    const witness = new Witness();
    const { port } = await runServer(witness);
    const client = await RawClient.upgrade(port);
    client.socket.pause();
    const peer = await witness.opened();
    peer.send(new Uint8Array(20_000_000));
    await new Promise((resolve) => setImmediate(resolve));
    expect(peer.bufferedAmount).toBeGreaterThan(0);
    const drained = peer.drained();
    client.socket.resume();
    expect(await drained).toBe(true);
    expect(peer.bufferedAmount).toBe(0);
  });

  test("a peer with more than maxBufferedBytes unsent is cut off at the next message", async () => {
    const witness = new Witness();
    const { port } = await runServer(witness, { maxBufferedBytes: 1_000_000 });
    const client = await RawClient.upgrade(port);
    client.socket.pause();
    const peer = await witness.opened();
    let sent = 0;
    while (peer.send(new Uint8Array(500_000)) && sent < 1_000) {
      sent += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(sent).toBeLessThan(1_000);
    expect((await witness.closed()).error).toMatchObject({ code: "too_slow" });
  });
});

describe("closing (RFC 6455 §7)", () => {
  test("a peer that does not answer the Close frame is cut off after closeTimeoutMs", async () => {
    const clock = new VirtualClock();
    const witness = new Witness();
    const { port } = await runServer(witness, { clock });
    const client = await RawClient.upgrade(port);
    (await witness.opened()).close(1000, "bye");
    await client.framesWhen(1);
    expect(client.hasEnded).toBe(false);
    clock.advance(10_200);
    await client.ended();
    expect(await witness.closed()).toMatchObject({ code: 1006, wasClean: false });
  });

  test("the server ends the TCP connection after both Close frames (§7.1.1)", async () => {
    const witness = new Witness();
    const { port } = await runServer(witness);
    const client = await RawClient.upgrade(port);
    const payload = closePayload(3000, utf8("done"));
    client.write(maskedFrame({ opcode: Opcode.Close, payload }));
    await client.ended();
    expect([...client.frames[0]!.payload]).toEqual([...payload]);
    expect(await witness.closed()).toEqual({
      code: 3000,
      reason: "done",
      wasClean: true,
      error: undefined,
    });
  });

  test("a connection that is lost without Close is closed with 1006", async () => {
    const witness = new Witness();
    const { port } = await runServer(witness);
    const client = await RawClient.upgrade(port);
    await witness.opened();
    client.socket.resetAndDestroy();
    expect(await witness.closed()).toMatchObject({ code: 1006, wasClean: false });
  });

  test("messages that arrive after close are dropped", async () => {
    const witness = new Witness();
    const { port } = await runServer(witness);
    const client = await RawClient.upgrade(port);
    (await witness.opened()).close();
    client.write(text("late"));
    client.write(maskedFrame({ opcode: Opcode.Close, payload: closePayload(1000) }));
    await witness.closed();
    expect(witness.messages).toEqual([]);
  });

  test.each([[1005], [1006], [1015], [999], [5000], [1000.5]])("close(%s) throws", async (code) => {
    const witness = new Witness();
    const { port } = await runServer(witness);
    await RawClient.upgrade(port);
    const peer = await witness.opened();
    expect(() => peer.close(code)).toThrow(expect.objectContaining({ code: "invalid_close_code" }));
    expect(peer.isOpen).toBe(true);
  });
});

describe("keepalive", () => {
  test("a peer that is silent for two intervals is cut off, and one that answers pings stays", async () => {
    const clock = new VirtualClock();
    const witness = new Witness();
    const { port, server } = await runServer(witness, { clock, keepaliveIntervalMs: 30_000 });
    const dead = await RawClient.upgrade(port);
    const alive = await RawClient.upgrade(port);
    await witness.until(() => server.peers.size === 2);
    for (let interval = 1; interval <= 3; interval += 1) {
      clock.advance(31_000);
      const pings = await alive.framesWhen(interval);
      expect(pings.every(({ opcode }) => opcode === Opcode.Ping)).toBe(true);
      alive.write(Buffer.concat([maskedFrame({ opcode: Opcode.Pong }), text(String(interval))]));
      await witness.until(() => witness.messages.length === interval);
    }
    expect((await witness.closed()).error).toMatchObject({ code: "keepalive_timeout" });
    await dead.ended();
    expect(server.peers.size).toBe(1);
  });

  test("a peer that the application has paused is not considered dead", async () => {
    const clock = new VirtualClock();
    const witness = new Witness();
    const { port, server } = await runServer(witness, { clock });
    await RawClient.upgrade(port);
    (await witness.opened()).pause();
    for (let interval = 0; interval < 6; interval += 1) clock.advance(31_000);
    expect(server.peers.size).toBe(1);
    expect(witness.closures).toEqual([]);
  });
});

describe("drain", () => {
  test("all peers are closed with 1001, new handshakes are refused, and close resolves when the peers are gone", async () => {
    const witness = new Witness();
    const { port, server } = await runServer(witness);
    const clients = await Promise.all([1, 2, 3].map(() => RawClient.upgrade(port)));
    await witness.until(() => server.peers.size === 3);
    const closing = server.close();
    for (const client of clients) {
      const [close] = await client.framesWhen(1);
      expect(Buffer.from(close!.payload).readUInt16BE(0)).toBe(1001);
      client.write(maskedFrame({ opcode: Opcode.Close, payload: close!.payload }));
    }
    await closing;
    expect(witness.closures.map(({ wasClean }) => wasClean)).toEqual([true, true, true]);
    const late = connect({ port, host: "127.0.0.1" });
    const refused = await new Promise<NodeJS.ErrnoException>((resolve) =>
      late.once("error", resolve),
    );
    expect(refused.code).toBe("ECONNREFUSED");
  });

  test("a peer that does not answer is cut off after timeoutMs", async () => {
    const clock = new VirtualClock();
    const witness = new Witness();
    const { port, server } = await runServer(witness, { clock });
    const client = await RawClient.upgrade(port);
    await witness.opened();
    const closing = server.close({ timeoutMs: 1_000 });
    await client.framesWhen(1);
    clock.advance(1_200);
    await closing;
    expect((await witness.closed()).wasClean).toBe(false);
  });
});

test("a peer that was paused while its message was handled stays paused until resume", async () => {
  const seen: string[] = [];
  let handled = (): void => {};
  const witness = new Witness();
  const { port } = await runServer({
    onOpen: (peer) => witness.onOpen(peer),
    onMessage: async (peer, message) => {
      seen.push(String(message));
      if (seen.length === 1) peer.pause();
      await new Promise<void>((resolve) => (handled = resolve));
    },
  });
  const client = await RawClient.upgrade(port);
  const peer = await witness.opened();
  client.write(Buffer.concat([text("one"), text("two"), text("three")]));
  await expect.poll(() => seen).toEqual(["one"]);
  handled();
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen).toEqual(["one"]);
  peer.resume();
  expect(seen).toEqual(["one", "two"]);
  // The message that is being handled still delays the next one.
  peer.resume();
  expect(seen).toEqual(["one", "two"]);
  handled();
  await expect.poll(() => seen).toEqual(["one", "two", "three"]);
});
