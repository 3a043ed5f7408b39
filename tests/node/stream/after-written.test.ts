import { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import { afterWritten, DrainWaiters } from "../../../src/node/stream/after-written.ts";
import { clientWheel } from "../../../src/client/connection/client-wheel.ts";
import {
  StreamConnection,
  transportOver,
  type StreamConnectionHandler,
} from "../../../src/node/index.ts";
import { defaultConnectionLimits } from "../../../src/protocol/index.ts";
import { turns } from "../../rigs/clock/event-loop.ts";

/** A stream whose writes complete only when the test says so. */
class SlowStream extends Duplex {
  readonly #writes: (() => void)[] = [];

  override _read(): void {}

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    this.#writes.push(done);
  }

  /** Completes one write. */
  letGo(): void {
    this.#writes.shift()?.();
  }
}

function open(): { stream: SlowStream; connection: StreamConnection; waiters: DrainWaiters } {
  const stream = new SlowStream();
  const waiters = new DrainWaiters();
  const ignore = (): void => {};
  const handler: StreamConnectionHandler = {
    onText: ignore,
    onBinary: ignore,
    onPing: ignore,
    onPong: ignore,
    onClosing: ignore,
    onClosed: ignore,
    onDrain: () => waiters.drained(),
  };
  const connection = new StreamConnection(transportOver(stream, false), handler, {
    role: "client",
    limits: defaultConnectionLimits,
    wheel: clientWheel,
    closeTimeoutMs: 1_000,
    stopReadingBytes: 1_000,
    oneTaskPerMessage: false,
  });
  connection.start(new Uint8Array(0));
  return { stream, connection, waiters };
}

describe("afterWritten", () => {
  test("is called immediately if nothing is buffered", () => {
    const { connection, waiters } = open();
    let isDone = false;
    afterWritten(connection, waiters, () => {
      isDone = true;
    });
    expect(isDone).toBe(true);
  });

  test("is called when everything sent before it is written, whatever is sent later", async () => {
    const { stream, connection, waiters } = open();
    const order: string[] = [];
    connection.sendText("first");
    await turns(1);
    afterWritten(connection, waiters, () => order.push("first"));
    connection.sendText("second");
    await turns(1);
    afterWritten(connection, waiters, () => order.push("second"));
    expect(order).toEqual([]);
    for (let write = 0; write < 2; write += 1) {
      stream.letGo();
      await turns(1);
    }
    expect(order).toEqual(["first"]);
    for (let write = 0; write < 2; write += 1) {
      stream.letGo();
      await turns(1);
    }
    expect(order).toEqual(["first", "second"]);
  });

  test("waits for bytes that have not reached the stream yet", async () => {
    const { stream, connection, waiters } = open();
    let isDone = false;
    connection.sendText("x");
    afterWritten(connection, waiters, () => {
      isDone = true;
    });
    await turns(1);
    expect(isDone).toBe(false);
    for (let write = 0; write < 2; write += 1) {
      stream.letGo();
      await turns(1);
    }
    expect(isDone).toBe(true);
  });

  test("is never called if the stream is destroyed before", async () => {
    const { stream, connection, waiters } = open();
    let isDone = false;
    connection.sendText("x");
    await turns(1);
    afterWritten(connection, waiters, () => {
      isDone = true;
    });
    stream.destroy();
    stream.letGo();
    await turns(2);
    // A destroyed stream does not count anything.
    expect(connection.bufferedBytes).toBe(0);
    afterWritten(connection, waiters, () => {
      isDone = true;
    });
    expect(isDone).toBe(false);
  });
});
