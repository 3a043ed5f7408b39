import { once } from "node:events";
import {
  connect,
  createServer,
  Server,
  Socket,
  type AddressInfo,
  type ServerOpts,
  type SocketConstructorOpts,
} from "node:net";
import { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import {
  HandleTransport,
  SharedTransport,
  transportOver,
  type Transport,
} from "../../../src/node/index.ts";
import { StreamTransport } from "../../../src/node/transport/stream-transport.ts";
import type { TransportOwner } from "../../../src/node/transport/transport.ts";
import { heldBytes } from "../../rigs/measuring/heap.ts";

// These tests are about both implementations, even if the environment turns one off.
vi.mock(import("../../../src/node/internals/allowed.ts"), () => ({
  areInternalsAllowed: () => true,
}));

const KIB = 1024;
const CHUNK = 64 * KIB;
/** More than the system buffers for a connection whose other end does not read. */
const MUCH = 48 * 1024 * KIB;
const NOTHING = new Uint8Array(0);

/** Waits until pending events have been noticed. */
async function turns(count = 20): Promise<void> {
  // oxlint-disable-next-line eslint/no-await-in-loop
  while (count-- > 0) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits for turns of the event loop until `isMet`; a test that waits in vain times out. */
async function until(isMet: () => boolean): Promise<void> {
  // oxlint-disable-next-line eslint/no-await-in-loop
  while (!isMet()) await turns(1);
}

/** Records all events of a transport. */
class Owner implements TransportOwner {
  readonly said: string[] = [];
  readonly #chunks: Buffer[] = [];
  receivedBytes = 0;
  room: Uint8Array | undefined;
  react: () => void = () => {};

  onChunk(chunk: Uint8Array, length: number, lent: boolean): void {
    const part = chunk.subarray(0, length);
    this.#chunks.push(Buffer.from(part));
    this.receivedBytes += length;
    // A transport that lends nothing must not be affected either.
    if (!lent) part.fill(0);
    this.react();
  }

  onWritten(): void {
    this.said.push("written");
  }

  onEnd(): void {
    this.said.push("end");
  }

  onError(error: Error): void {
    this.said.push(`error ${(error as NodeJS.ErrnoException).code}`);
  }

  onGone(): void {
    this.said.push("gone");
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

/** The other end, which reads only on demand. */
class FarEnd {
  readonly socket: Socket;
  readonly #chunks: Buffer[] = [];
  receivedBytes = 0;
  hasEnded = false;
  isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("end", () => (this.hasEnded = true));
    socket.on("close", () => (this.isClosed = true));
  }

  read(): void {
    this.socket.on("data", (chunk) => {
      this.receivedBytes += chunk.length;
      this.#chunks.push(chunk);
    });
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

interface Pair {
  server: Server;
  /** The end that becomes a transport. */
  socket: Socket;
  far: FarEnd;
}

async function openPair(options: ServerOpts = { allowHalfOpen: true }): Promise<Pair> {
  const server = createServer(options);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const { port } = server.address() as AddressInfo;
  const far = new FarEnd(connect({ port, host: "127.0.0.1", allowHalfOpen: true }));
  const [[socket]] = await Promise.all([accepted, once(far.socket, "connect")]);
  onTestFinished(() => {
    far.socket.destroy();
    socket.destroy();
    server.close();
  });
  return { server, socket, far };
}

interface Opened extends Pair {
  transport: Transport;
  owner: Owner;
}

type Make = (socket: Socket) => Transport;

const overHandle: Make = (socket) => transportOver(socket, true);
const overStream: Make = (socket) => transportOver(socket, false);
const overShared: Make = (socket) => new SharedTransport(socket);
/** Other code starts to read the socket, too. */
const overRead: Make = (socket) => {
  const transport = new SharedTransport(socket);
  const start = transport.start.bind(transport);
  transport.start = (owner, head) => {
    start(owner, head);
    socket.on("data", () => {});
  };
  return transport;
};

const WAYS = [
  { kind: "a socket's handle", make: overHandle, type: HandleTransport },
  { kind: "a stream", make: overStream, type: StreamTransport },
  { kind: "a socket that others hold", make: overShared, type: SharedTransport },
  { kind: "a socket that others read", make: overRead, type: SharedTransport },
];

async function open(make: Make): Promise<Opened> {
  const pair = await openPair();
  const transport = make(pair.socket);
  onTestFinished(() => transport.destroy());
  const owner = new Owner();
  transport.start(owner, NOTHING);
  transport.resume();
  return { ...pair, transport, owner };
}

/** Different bytes at each position, so that mix-ups are detected. */
function pattern(size: number, seed: number): Buffer {
  return Buffer.alloc(
    size,
    Uint8Array.from({ length: 251 }, (_, at) => (at * 7 + seed) & 255),
  );
}

/** Writes until the system accepts no more; returns the written bytes. */
function fillUp(transport: Transport): Buffer[] {
  const written: Buffer[] = [];
  for (let bytes = 0; transport.unsentBytes === 0 && bytes < MUCH; bytes += CHUNK) {
    const chunk = pattern(CHUNK, written.length);
    transport.write(chunk);
    written.push(chunk);
  }
  return written;
}

describe.each(WAYS)("a transport over $kind", ({ make, type }) => {
  test("has the expected class", async () => {
    const { transport } = await open(make);
    expect(transport).toBeInstanceOf(type);
    expect(transport).toMatchObject({
      isGone: false,
      isWritable: true,
      isFinished: false,
      isPaused: false,
      unsentBytes: 0,
      remoteAddress: "127.0.0.1",
    });
  });

  test("delivers writes, single and joined, in order", async () => {
    const { transport, owner, far } = await open(make);
    far.read();
    transport.write(Buffer.from("a"));
    transport.writeAll([Buffer.from("b"), Buffer.from("c")]);
    transport.write(Buffer.from("d"));
    await until(() => far.received.length === 4);
    expect(far.received.toString()).toBe("abcd");
    expect(owner.said).not.toContain("end");
  });

  test("buffers and counts bytes that a peer does not read, and delivers them later in order", async () => {
    const { transport, owner, far } = await open(make);
    const written = fillUp(transport);
    const before = transport.unsentBytes;
    expect(before).toBeGreaterThan(0);
    const more = [1000, 2000, 3000, CHUNK].map((size, seed) => pattern(size, 100 + seed));
    transport.write(more[0]!);
    expect(transport.unsentBytes).toBe(before + 1000);
    transport.writeAll([more[1]!, more[2]!]);
    expect(transport.unsentBytes).toBe(before + 6000);
    transport.write(more[3]!);
    expect(transport.unsentBytes).toBe(before + 6000 + CHUNK);
    await turns();
    expect(owner.said).toEqual([]);
    far.read();
    await until(() => transport.unsentBytes === 0);
    const expected = Buffer.concat([...written, ...more]);
    await until(() => far.received.length >= expected.length);
    await turns();
    expect(far.received.equals(expected)).toBe(true);
    expect(owner.said).toEqual(["written"]);
  });

  test("reports onWritten once each time that a write did not complete immediately", async () => {
    const { transport, owner, far } = await open(make);
    far.read();
    for (let round = 1; round <= 3; round += 1) {
      fillUp(transport);
      fillUp(transport);
      // oxlint-disable-next-line eslint/no-await-in-loop
      await until(() => transport.unsentBytes === 0);
      // oxlint-disable-next-line eslint/no-await-in-loop
      await turns();
      expect(owner.said).toHaveLength(round);
    }
  });

  test("does not report it before the last byte, however often the system accepts a part", async () => {
    const { transport, owner, far } = await open(make);
    const unsent: number[] = [];
    owner.onWritten = () => unsent.push(transport.unsentBytes);
    // The waiting bytes are passed in one call, of which the system accepts only a part at first.
    const bytes = Buffer.concat(fillUp(transport)).length + MUCH;
    transport.write(pattern(MUCH, 1));
    far.read();
    await until(() => far.receivedBytes === bytes);
    await turns();
    expect(unsent).toEqual([0]);
  });

  test("a step that fills the buffer again delays the report", async () => {
    const { transport, owner, far } = await open(make);
    const unsent: number[] = [];
    owner.onWritten = () => unsent.push(transport.unsentBytes);
    const bytes = Buffer.concat(fillUp(transport)).length + MUCH;
    transport.afterWritten(() => transport.write(pattern(MUCH, 1)));
    far.read();
    await until(() => far.receivedBytes === bytes);
    await turns();
    expect(unsent.filter((left) => left > 0)).toEqual([]);
    expect(unsent.length).toBeGreaterThan(0);
  });

  test("protects the bytes that are being written from garbage collection", async () => {
    const { transport, far } = await open(make);
    const write = (): WeakRef<Uint8Array> => {
      const chunk = pattern(MUCH, 1);
      transport.write(chunk);
      return new WeakRef(chunk);
    };
    const written = write();
    expect(transport.unsentBytes).toBeGreaterThan(0);
    await heldBytes();
    expect(written.deref()).toBeDefined();
    far.read();
    await until(() => far.receivedBytes === MUCH);
    expect(far.received.equals(pattern(MUCH, 1))).toBe(true);
  });

  test("runs a step in a later turn if nothing is unsent", async () => {
    const { transport } = await open(make);
    const ran: string[] = [];
    transport.write(Buffer.from("a"));
    transport.afterWritten(() => ran.push("step"));
    expect(ran).toEqual([]);
    await until(() => ran.length === 1);
  });

  test("runs steps in order, each when everything written before it is gone", async () => {
    const { transport, far } = await open(make);
    let writtenBytes = Buffer.concat(fillUp(transport)).length;
    const ran: { step: number; early: boolean }[] = [];
    const addStep = (step: number): void => {
      const until = writtenBytes;
      transport.afterWritten(() => {
        // All unsent bytes were written after this step.
        ran.push({ step, early: transport.unsentBytes > writtenBytes - until });
      });
    };
    addStep(0);
    addStep(1);
    for (const [at, size] of [10, 20, 8 * 1024 * KIB, 30].entries()) {
      transport.write(pattern(size, at));
      writtenBytes += size;
      addStep(2 + at);
    }
    await turns();
    expect(ran).toEqual([]);
    far.read();
    await until(() => ran.length === 6);
    expect(ran).toEqual([0, 1, 2, 3, 4, 5].map((step) => ({ step, early: false })));
  });

  test("runs steps in order if little is waiting behind bytes that the system did not accept", async () => {
    const { transport, far } = await open(make);
    fillUp(transport);
    const ran: number[] = [];
    transport.afterWritten(() => ran.push(0));
    transport.write(Buffer.from("a"));
    transport.afterWritten(() => ran.push(1));
    far.read();
    await until(() => ran.length === 2);
    expect(ran).toEqual([0, 1]);
  });

  test("does not run steps after it has failed", async () => {
    const { transport } = await open(make);
    fillUp(transport);
    let ran = 0;
    transport.afterWritten(() => (ran += 1));
    transport.write(Buffer.from("a"));
    transport.afterWritten(() => (ran += 1));
    transport.destroy();
    await turns();
    expect(ran).toBe(0);
  });

  test("does not run a step that is added when it is gone", async () => {
    const { transport } = await open(make);
    let ran = 0;
    transport.destroy();
    transport.afterWritten(() => (ran += 1));
    await turns();
    expect(ran).toBe(0);
  });

  test("a step may write, and its writes follow earlier ones", async () => {
    const { transport, far } = await open(make);
    const written = fillUp(transport);
    transport.afterWritten(() => transport.write(Buffer.from("step")));
    transport.write(Buffer.from("before"));
    far.read();
    const expected = Buffer.concat([...written, Buffer.from("beforestep")]);
    await until(() => far.received.length >= expected.length);
    expect(far.received.equals(expected)).toBe(true);
  });

  test("a step may fill the buffer again, and later steps still run", async () => {
    const { transport, far } = await open(make);
    fillUp(transport);
    const ran: number[] = [];
    transport.afterWritten(() => {
      ran.push(0);
      transport.write(pattern(MUCH, 1));
    });
    transport.write(Buffer.from("a"));
    transport.afterWritten(() => ran.push(1));
    far.read();
    await until(() => ran.length === 2);
    expect(ran).toEqual([0, 1]);
  });

  test("ends its side after everything is written, and ignores later writes", async () => {
    const { transport, owner, far } = await open(make);
    const written = fillUp(transport);
    transport.writeAll([Buffer.from("the"), Buffer.from("end")]);
    transport.end();
    transport.end();
    expect(transport.isWritable).toBe(false);
    transport.write(Buffer.from("x"));
    transport.writeAll([Buffer.from("x")]);
    await turns();
    expect(transport.isFinished).toBe(false);
    far.read();
    await until(() => far.hasEnded);
    const expected = Buffer.concat([...written, Buffer.from("theend")]);
    expect(far.received.equals(expected)).toBe(true);
    await until(() => transport.isFinished);
    expect(transport.isGone).toBe(false);
    expect(owner.said).not.toContain("gone");
  });

  test("still receives after it ended its side, and is gone when the peer ends, too", async () => {
    const { transport, owner, far } = await open(make);
    far.read();
    transport.end();
    await until(() => far.hasEnded);
    far.socket.end("still here");
    await until(() => owner.said.includes("gone"));
    expect(owner.received.toString()).toBe("still here");
    expect(owner.said).toEqual(["end", "gone"]);
    expect(transport.isGone).toBe(true);
  });

  test("when it is destroyed, it drops unsent bytes and reports once that it is gone", async () => {
    const { transport, owner, far } = await open(make);
    const size = Buffer.concat(fillUp(transport)).length + MUCH;
    transport.write(pattern(MUCH, 1));
    transport.destroy();
    transport.destroy();
    expect(transport).toMatchObject({ isGone: true, isWritable: false, isFinished: false });
    far.read();
    await until(() => (far.hasEnded || far.isClosed) && owner.said.length > 0);
    await turns();
    expect(far.received.length).toBeLessThan(size);
    expect(owner.said).toEqual(["gone"]);
  });

  test("does nothing after it is destroyed, whatever is called", async () => {
    const { transport, owner } = await open(make);
    transport.destroy();
    transport.write(Buffer.from("x"));
    transport.writeAll([Buffer.from("x")]);
    transport.end();
    transport.pause();
    transport.resume();
    transport.cut();
    await until(() => owner.said.length > 0);
    await turns();
    expect(owner.said).toEqual(["gone"]);
  });

  test("reports the peer's end once, and continues to write", async () => {
    const { transport, owner, far } = await open(make);
    far.read();
    far.socket.end("last");
    await until(() => owner.said.length > 0);
    transport.pause();
    transport.resume();
    transport.resume();
    await turns();
    expect(owner.said).toEqual(["end"]);
    expect(owner.received.toString()).toBe("last");
    expect(transport).toMatchObject({ isGone: false, isWritable: true });
    transport.write(Buffer.from("answer"));
    transport.end();
    await until(() => owner.said.includes("gone"));
    await until(() => far.hasEnded);
    expect(far.received.toString()).toBe("answer");
    expect(owner.said).toEqual(["end", "gone"]);
  });

  test("reports the peer's end once, even while it is paused", async () => {
    const { transport, owner, far } = await open(make);
    transport.pause();
    far.socket.end();
    await until(() => owner.said.length > 0);
    transport.resume();
    transport.pause();
    transport.resume();
    await turns();
    expect(owner.said).toEqual(["end"]);
    expect(transport).toMatchObject({ isGone: false, isWritable: true });
  });

  test("reports the peer's reset, and then once that it is gone", async () => {
    const { transport, owner, far } = await open(make);
    far.socket.resetAndDestroy();
    await until(() => owner.said.includes("gone"));
    await turns();
    expect(owner.said).toEqual(["error ECONNRESET", "gone"]);
    expect(transport.isGone).toBe(true);
  });

  test("reports a reset while much is unsent, and no longer counts those bytes", async () => {
    const { transport, owner, far } = await open(make);
    fillUp(transport);
    transport.write(pattern(CHUNK, 1));
    far.socket.resetAndDestroy();
    await until(() => owner.said.includes("gone"));
    await turns();
    expect(owner.said).toEqual([expect.stringMatching(/^error (ECONNRESET|EPIPE)$/), "gone"]);
    expect(transport.isWritable).toBe(false);
  });

  test("keeps data that arrived before the start, and delivers it after the head", async () => {
    const { socket, far } = await openPair();
    far.socket.write("1");
    await until(() => socket.readableLength === 1);
    const transport = make(socket);
    onTestFinished(() => transport.destroy());
    far.socket.write("2");
    await turns();
    far.socket.write("3");
    await turns();
    const owner = new Owner();
    transport.start(owner, Buffer.from("0"));
    transport.resume();
    await until(() => owner.receivedBytes === 4);
    expect(owner.received.toString()).toBe("0123");
  });

  test.each(["", "last"])(
    "reports an end that came before the start, after the bytes %j",
    async (bytes) => {
      const { socket, far } = await openPair();
      const transport = make(socket);
      onTestFinished(() => transport.destroy());
      far.socket.end(bytes);
      await once(far.socket, "finish");
      await turns();
      const owner = new Owner();
      transport.start(owner, NOTHING);
      transport.resume();
      await until(() => owner.said.length > 0);
      await turns();
      expect(owner.received.toString()).toBe(bytes);
      expect(owner.said).toEqual(["end"]);
    },
  );

  test("reports only that it is gone, if it is started afterwards", async () => {
    const { socket, far } = await openPair();
    far.socket.write("1");
    await until(() => socket.readableLength === 1);
    const transport = make(socket);
    transport.destroy();
    const owner = new Owner();
    transport.start(owner, Buffer.from("0"));
    await turns();
    expect(owner.said).toEqual(["gone"]);
    expect(owner.receivedBytes).toBe(0);
    const late = new Owner();
    transport.start(late, Buffer.from("0"));
    await turns();
    expect(late.said).toEqual(["gone"]);
  });

  test("reads at most one more chunk while paused, so that the sender has to wait, and then continues", async () => {
    const { transport, owner, far } = await open(make);
    transport.pause();
    expect(transport.isPaused).toBe(true);
    const sent = pattern(MUCH, 1);
    far.socket.write(sent);
    await turns(200);
    expect(owner.receivedBytes).toBeLessThanOrEqual(CHUNK);
    expect(far.socket.writableLength).toBeGreaterThan(0);
    transport.resume();
    expect(transport.isPaused).toBe(false);
    await until(() => owner.receivedBytes >= MUCH);
    expect(owner.received.equals(sent)).toBe(true);
  });

  test("loses nothing if it is paused at every chunk", async () => {
    const { transport, owner, far } = await open(make);
    const size = 2 * 1024 * KIB;
    owner.react = () => {
      transport.pause();
      setImmediate(() => transport.resume());
    };
    far.socket.write(pattern(size, 1));
    await until(() => owner.receivedBytes >= size);
    expect(owner.received.equals(pattern(size, 1))).toBe(true);
  });
});

describe("a transport over a socket's handle", () => {
  async function openHandle(): Promise<Opened> {
    return open(overHandle);
  }

  test("destroyed while its head is delivered, it does not deliver later data", async () => {
    const { socket, far } = await openPair();
    far.socket.write("1");
    await until(() => socket.readableLength === 1);
    const transport = transportOver(socket, true);
    const owner = new Owner();
    owner.react = () => transport.destroy();
    transport.start(owner, Buffer.from("0"));
    await until(() => owner.said.length > 0);
    expect(owner.received.toString()).toBe("0");
    expect(owner.said).toEqual(["gone"]);
  });

  test("destroyed by a step, it does not report written bytes", async () => {
    const { transport, owner, far } = await openHandle();
    fillUp(transport);
    transport.afterWritten(() => transport.destroy());
    far.read();
    await until(() => owner.said.length > 0);
    await turns();
    expect(owner.said).toEqual(["gone"]);
  });

  test("starts as gone if the peer has reset it before", async () => {
    const { socket, far } = await openPair();
    const transport = transportOver(socket, true);
    far.socket.resetAndDestroy();
    await until(() => transport.isGone);
    const owner = new Owner();
    transport.start(owner, NOTHING);
    await turns();
    expect(owner.said).toEqual(["gone"]);
  });

  test("reads into its owner's room while there is one", async () => {
    const { owner, far } = await openHandle();
    const room = new Uint8Array(8);
    let isOver = false;
    const lent: boolean[] = [];
    const onChunk = owner.onChunk.bind(owner);
    owner.onChunk = (chunk, length, isLent) => {
      lent.push(chunk === room && isLent);
      onChunk(chunk, length, isLent);
      owner.room = isOver ? undefined : room;
    };
    far.socket.write("a");
    await until(() => owner.receivedBytes === 1);
    far.socket.write("bcdefghijkl");
    await until(() => owner.receivedBytes === 12);
    isOver = true;
    far.socket.write("m");
    await until(() => owner.receivedBytes === 13);
    far.socket.write("n");
    await until(() => owner.receivedBytes === 14);
    expect(owner.received.toString()).toBe("abcdefghijklmn");
    expect(lent).toEqual([false, true, true, true, false]);
  });

  test("is counted by its server until its handle is closed", async () => {
    const { server, transport, owner } = await openHandle();
    const count = (): Promise<number> =>
      new Promise((resolve, reject) =>
        server.getConnections((error, found) => (error ? reject(error) : resolve(found))),
      );
    const { said } = owner;
    expect(await count()).toBe(1);
    server.close(() => said.push("server closed"));
    await turns();
    expect(said).toEqual([]);
    transport.destroy();
    expect(said).toEqual([]);
    await until(() => said.length === 2);
    expect([...said].sort()).toEqual(["gone", "server closed"]);
    expect(await count()).toBe(0);
  });

  test("of a client is not counted", async () => {
    const { server, socket, far } = await openPair();
    far.socket.removeAllListeners("close");
    const transport = transportOver(far.socket, true);
    expect(transport).toBeInstanceOf(HandleTransport);
    const owner = new Owner();
    transport.start(owner, NOTHING);
    transport.destroy();
    await until(() => owner.said.length > 0);
    expect(owner.said).toEqual(["gone"]);
    socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
});

describe("the socket is left unchanged and driven as a stream,", () => {
  class OwnSocket extends Socket {
    constructor(options: SocketConstructorOpts = {}) {
      super(options);
    }
  }

  test.each<[string, (pair: Pair) => Duplex | Promise<Duplex>]>([
    ["if there is a listener for its close", ({ socket }) => socket.on("close", () => {})],
    [
      "if something reads it",
      ({ socket }) => {
        socket.on("data", () => {});
        return socket.pause();
      },
    ],
    ["if something waits for bytes", ({ socket }) => socket.on("readable", () => {})],
    [
      "if data is unsent",
      ({ socket }) => {
        while (socket.write(Buffer.alloc(CHUNK)));
        return socket;
      },
    ],
    ["if it is ending", ({ socket }) => socket.end()],
    ["if it is destroyed", ({ socket }) => socket.destroy()],
    [
      "if it has ended",
      async ({ socket, far }) => {
        far.socket.end();
        const ended = once(socket, "end");
        socket.resume();
        await ended;
        return socket;
      },
    ],
    [
      "if it is still connecting",
      ({ server }) => {
        const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
        onTestFinished(() => void socket.destroy());
        return socket;
      },
    ],
    [
      "if it is of another class",
      async ({ server }) => {
        const socket = new OwnSocket();
        onTestFinished(() => void socket.destroy());
        await once(socket.connect((server.address() as AddressInfo).port, "127.0.0.1"), "connect");
        return socket;
      },
    ],
    ["if it uses TLS", ({ socket }) => new TLSSocket(socket).on("error", () => {})],
    ["if it is not a socket", () => new Duplex({ read() {}, write: () => {} })],
  ])("%s", async (_, streamOf) => {
    const stream = await streamOf(await openPair());
    onTestFinished(() => void stream.destroy());
    expect(transportOver(stream, true)).toBeInstanceOf(StreamTransport);
  });

  test("and is not detached if internals are allowed but not requested", async () => {
    const { socket } = await openPair();
    expect(transportOver(socket, false)).toBeInstanceOf(StreamTransport);
    expect(socket.destroyed).toBe(false);
    expect(transportOver(socket, true)).toBeInstanceOf(HandleTransport);
    expect(socket.destroyed).toBe(true);
  });
});
