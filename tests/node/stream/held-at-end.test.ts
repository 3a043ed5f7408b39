import { once } from "node:events";
import { createServer, connect, type AddressInfo, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock, TimerWheel } from "../../../src/base/index.ts";
import {
  StreamConnection,
  transportOver,
  type Closure,
  type StreamConnectionHandler,
} from "../../../src/node/index.ts";
import { defaultConnectionLimits, Opcode } from "../../../src/protocol/index.ts";
import { closePayload, plainFrame, utf8 } from "../../rigs/protocol/masked-frame.ts";

const text = plainFrame({ opcode: Opcode.Text, payload: utf8("x") });
const close = plainFrame({ opcode: Opcode.Close, payload: closePayload(4000) });

class Seen implements StreamConnectionHandler {
  texts = 0;
  readonly closures: Closure[] = [];
  connection: StreamConnection | undefined;

  onFirstText = (): void => {};
  onEnd = (): void => {};

  onText(): void {
    this.texts += 1;
    this.connection?.pause();
    this.onFirstText();
  }

  onClosed(closure: Closure): void {
    this.closures.push(closure);
    this.onEnd();
  }

  onBinary(): void {}
  onPing(): void {}
  onPong(): void {}
  onClosing(): void {}
  onDrain(): void {}
}

/**
 * A client that pauses at every text, to which a server sends `bytes` and then ends.
 *
 * @param isGone whether the transport is gone by then
 */
async function pausedClient(
  bytes: Uint8Array,
  { nodeInternals, isGone = true }: { nodeInternals: boolean; isGone?: boolean },
): Promise<{ seen: Seen; connection: StreamConnection; heard: Promise<string> }> {
  const read: Buffer[] = [];
  let onClose: (all: string) => void;
  const heard = new Promise<string>((resolve) => (onClose = resolve));
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk) => void read.push(chunk));
    socket.on("close", () => onClose(unmasked(Buffer.concat(read))));
    socket.end(bytes);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close());
  const socket: Socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  await once(socket, "connect");
  const seen = new Seen();
  const connection = new StreamConnection(transportOver(socket, nodeInternals), seen, {
    role: "client",
    limits: defaultConnectionLimits,
    wheel: new TimerWheel(systemClock),
    closeTimeoutMs: 5_000,
    stopReadingBytes: 1_000,
    oneTaskPerMessage: false,
  });
  seen.connection = connection;
  const hasPaused = new Promise<void>((resolve) => (seen.onFirstText = resolve));
  connection.start(new Uint8Array(0));
  await hasPaused;
  if (isGone) await cut(connection);
  return { seen, connection, heard };
}

/** Returns the payload of a client's first frame, which must be short; empty if there is none. */
function unmasked(frame: Buffer): string {
  const key = frame.subarray(2, 6);
  return frame
    .subarray(6)
    .map((byte, at) => byte ^ key[at % 4]!)
    .toString();
}

function cut(connection: StreamConnection): Promise<void> {
  return new Promise((resolve) => {
    const onGone = connection.onGone.bind(connection);
    connection.onGone = () => {
      onGone();
      resolve();
    };
    connection.transport.destroy();
  });
}

/** Resolves when the transport has reported its end. */
function toldOfEnd(connection: StreamConnection): Promise<void> {
  return new Promise((resolve) => {
    const onEnd = connection.onEnd.bind(connection);
    connection.onEnd = () => {
      onEnd();
      resolve();
    };
  });
}

describe.each([
  { kind: "socket's handle", nodeInternals: true },
  { kind: "stream", nodeInternals: false },
])("a receiver that is paused when its transport, a $kind, ends", ({ nodeInternals }) => {
  test("receives earlier data, including a Close frame, when it resumes", async () => {
    const { seen, connection } = await pausedClient(Buffer.concat([text, text, close]), {
      nodeInternals,
    });
    expect(seen).toMatchObject({ texts: 1, closures: [] });
    connection.resume();
    expect(seen).toMatchObject({ texts: 2, closures: [] });
    connection.resume();
    expect(seen.closures).toMatchObject([{ code: 4000, wasClean: true }]);
    connection.resume();
    expect(seen.closures).toHaveLength(1);
  });

  test("receives them even if the transport still accepts its reply", async () => {
    const { seen, connection } = await pausedClient(Buffer.concat([text, text, close]), {
      nodeInternals,
      isGone: false,
    });
    const ended = new Promise<void>((resolve) => (seen.onEnd = resolve));
    connection.resume();
    expect(seen).toMatchObject({ texts: 2, closures: [] });
    connection.resume();
    await ended;
    expect(seen.closures).toMatchObject([{ code: 4000, wasClean: true }]);
  });

  test("is notified of the end only when it resumes, and may send until then", async () => {
    const { seen, connection, heard } = await pausedClient(text, { nodeInternals, isGone: false });
    await toldOfEnd(connection);
    expect(seen).toMatchObject({ texts: 1, closures: [] });
    expect(connection.isOpen).toBe(true);
    connection.sendText("answer");
    const ended = new Promise<void>((resolve) => (seen.onEnd = resolve));
    connection.resume();
    await ended;
    expect(seen.closures).toMatchObject([{ code: 1006, wasClean: false, error: undefined }]);
    expect(await heard).toContain("answer");
  });

  test("receives nothing of it if the connection is terminated", async () => {
    const { seen, connection } = await pausedClient(Buffer.concat([text, text, close]), {
      nodeInternals,
    });
    connection.terminate();
    expect(seen).toMatchObject({ texts: 1, closures: [{ code: 1006, wasClean: false }] });
    connection.resume();
    expect(seen.closures).toHaveLength(1);
  });

  test("receives all of it if this side closes the connection", async () => {
    const { seen, connection } = await pausedClient(Buffer.concat([text, close]), {
      nodeInternals,
    });
    connection.close();
    expect(seen.closures).toMatchObject([{ code: 4000, wasClean: true }]);
  });
});
