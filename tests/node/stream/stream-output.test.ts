import { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import { systemClock, TimerWheel } from "../../../src/base/index.ts";
import {
  DeflateCompression,
  type Closure,
  StreamConnection,
  transportOver,
  type StreamConnectionHandler,
} from "../../../src/node/index.ts";
import { defaultConnectionLimits, Opcode } from "../../../src/protocol/index.ts";
import { maskedFrame } from "../../rigs/protocol/masked-frame.ts";
import { fresh } from "../../rigs/protocol/deflating-connection.ts";

const LONG = "what is long is compressed later ".repeat(20_000);

interface Driven {
  connection: StreamConnection;
  stream: Duplex;
  writes: number[];
  drained: Promise<void>;
  closed: Promise<Closure>;
}

/** Runs a server's connection over a stream that records everything, and accepts it by default. */
function drive(
  stopReadingBytes: number,
  onText: (text: string) => void = () => {},
  write: (chunk: Uint8Array, accept: () => void) => void = (_, accept) => accept(),
): Driven {
  const writes: number[] = [];
  const stream = new Duplex({
    read: () => {},
    write: (chunk: Uint8Array, _, done) => {
      writes.push(chunk.length);
      write(chunk, done);
    },
  });
  let onDrain = (): void => {};
  let onClosed = (_closure: Closure): void => {};
  const closed = new Promise<Closure>((resolve) => (onClosed = resolve));
  const drained = new Promise<void>((resolve) => (onDrain = resolve));
  const ignore = (): void => {};
  const handler: StreamConnectionHandler = {
    onText,
    onBinary: ignore,
    onPing: ignore,
    onPong: ignore,
    onClosing: ignore,
    onClosed: (closure) => onClosed(closure),
    onDrain: () => onDrain(),
  };
  const options = {
    role: "server",
    limits: defaultConnectionLimits,
    wheel: new TimerWheel(systemClock),
    closeTimeoutMs: 1000,
    stopReadingBytes,
    oneTaskPerMessage: false,
  } as const;
  const codec = new DeflateCompression().codec("server", fresh);
  const connection = new StreamConnection(transportOver(stream, false), handler, options, {
    codec,
  });
  connection.start(new Uint8Array(0));
  return { connection, stream, writes, drained, closed };
}

describe("a message that is being compressed", () => {
  test("counts as buffered, and a drain waits for it without polling the stream", async () => {
    const { connection, writes, drained } = drive(1_000_000);
    connection.sendText(LONG);
    expect(connection.bufferedBytes).toBe(LONG.length);
    connection.watchDrain();
    await drained;
    expect(connection.bufferedBytes).toBe(0);
    expect(writes.filter((size) => size > 0)).toHaveLength(1);
    expect(writes.length).toBeLessThanOrEqual(3);
  });

  test("does not delay the end of a peer that ends without a Close frame", async () => {
    const { connection, stream, closed } = drive(1_000_000);
    connection.sendText(LONG);
    stream.push(null);
    expect(await closed).toMatchObject({ code: 1006, wasClean: false });
  });

  test("is sent before the reply to a Close frame, even if the peer ended directly after it", async () => {
    const { connection, stream, writes, closed } = drive(1_000_000);
    connection.sendText(LONG);
    stream.push(new Uint8Array(maskedFrame({ opcode: Opcode.Close })));
    stream.push(null);
    expect(await closed).toMatchObject({ code: 1005, wasClean: true });
    expect(writes.filter((size) => size > 0)).toHaveLength(1);
  });

  test("stops reading from the peer that caused it, until it is sent", async () => {
    let received = 0;
    const { connection, stream, drained } = drive(100_000, () => {
      received += 1;
      connection.sendText(LONG);
    });
    const question = maskedFrame({ opcode: Opcode.Text });
    for (let count = 0; count < 10; count += 1) {
      stream.push(new Uint8Array(question));
      // In separate chunks, as from a network.
      await new Promise((resolve) => setImmediate(resolve));
      if (stream.isPaused()) break;
    }
    expect(received).toBeLessThan(3);
    expect(stream.isPaused()).toBe(true);
    await drained;
    expect(stream.isPaused()).toBe(false);
  });
});

test("pings of a peer that does not read are answered with one pong, when it reads", async () => {
  const writes: { chunk: Uint8Array; accept: () => void }[] = [];
  const { connection, stream } = drive(
    1_000_000,
    () => {},
    (chunk, accept) => writes.push({ chunk, accept }),
  );
  connection.sendBinary(new Uint8Array(100_000), false);
  for (let n = 0; n < 200; n += 1) {
    stream.push(maskedFrame({ opcode: Opcode.Ping, payload: new Uint8Array(125).fill(n) }));
    await turn();
  }
  expect(connection.bufferedBytes).toBeLessThan(100_100);
  const sent: Uint8Array[] = [];
  for (let n = 0; n < 10; n += 1) {
    const next = writes.shift();
    if (next !== undefined) sent.push(next.chunk);
    next?.accept();
    await turn();
  }
  const pongs = Buffer.concat(sent).subarray(100_000 + 10);
  expect(pongs).toEqual(Buffer.concat([Buffer.from([0x8a, 125]), Buffer.alloc(125, 199)]));
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
