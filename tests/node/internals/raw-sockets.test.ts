import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { HandleTransport, receiveConnections } from "../../../src/node/index.ts";
import type { RawSocket, RawSocketHandler } from "../../../src/node/internals/raw-sockets.ts";
import { turns, until } from "../../rigs/clock/event-loop.ts";
import { strayErrors } from "../../rigs/measuring/stray-errors.ts";

const { internals } = vi.hoisted(() => ({ internals: { areAllowed: true } }));
vi.mock(import("../../../src/node/internals/allowed.ts"), () => ({
  areInternalsAllowed: () => internals.areAllowed,
}));
beforeEach(() => {
  internals.areAllowed = true;
});

/** Records raw sockets, and handles their first bytes as the test specifies. */
class Desk implements RawSocketHandler {
  readonly arrived: RawSocket[] = [];
  readonly first: string[] = [];
  readonly gone: RawSocket[] = [];
  readonly #onFirst: (rawSocket: RawSocket, bytes: Uint8Array) => void;

  constructor(onFirst: (rawSocket: RawSocket, bytes: Uint8Array) => void = () => {}) {
    this.#onFirst = onFirst;
  }

  onArrived(rawSocket: RawSocket): void {
    this.arrived.push(rawSocket);
  }

  onFirstBytes(rawSocket: RawSocket, bytes: Uint8Array): void {
    this.first.push(Buffer.from(bytes).toString());
    this.#onFirst(rawSocket, bytes);
  }

  onGone(rawSocket: RawSocket): void {
    this.gone.push(rawSocket);
  }
}

interface Opened {
  server: Server;
  /** The sockets that Node created. */
  sockets: Socket[];
  call: () => Promise<Socket>;
}

async function listen(where: object = { port: 0, host: "127.0.0.1" }): Promise<Opened> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => void sockets.push(socket));
  await once(server.listen(where), "listening");
  const call = async (): Promise<Socket> => {
    const address = server.address() as AddressInfo | string;
    const socket = typeof address === "string" ? connect(address) : connect(address.port);
    socket.on("error", () => {});
    onTestFinished(() => void socket.destroy());
    await once(socket, "connect");
    return socket;
  };
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { server, sockets, call };
}

function countOf(server: Server): Promise<number> {
  return new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => void server.close(() => resolve()));
}

interface Listening {
  onconnection: (status: number, accepted?: unknown) => void;
}

const listeningOf = (server: Server): Listening =>
  // oxlint-disable-next-line eslint/no-underscore-dangle
  (server as unknown as { _handle: Listening })._handle;

describe("a raw socket", () => {
  test("has no socket and is counted by the server before it sends anything", async () => {
    const { server, sockets, call } = await listen();
    const desk = new Desk();
    receiveConnections(server, desk);
    await call();
    await until(() => desk.arrived.length === 1);
    await call();
    await until(() => desk.arrived.length === 2);
    expect(await countOf(server)).toBe(2);
    expect(desk).toMatchObject({ first: [], gone: [] });
    for (const rawSocket of desk.arrived) rawSocket.close();
    await closed(server);
    expect(sockets).toEqual([]);
    expect(await countOf(server)).toBe(0);
  });

  test("delivers its first bytes", async () => {
    const { server, call } = await listen();
    const desk = new Desk((rawSocket) => rawSocket.close());
    receiveConnections(server, desk);
    for (const text of ["a", "grüße", "x".repeat(20_000)]) {
      // oxlint-disable-next-line eslint/no-await-in-loop
      (await call()).write(text);
      // oxlint-disable-next-line eslint/no-await-in-loop
      await until(() => desk.first.length > 0);
      expect(desk.first.pop()).toBe(text);
    }
    await closed(server);
  });

  test("becomes a socket with those bytes and later ones when it is given back, counted once", async () => {
    const { server, sockets, call } = await listen();
    receiveConnections(server, new Desk((rawSocket, bytes) => rawSocket.giveBack(bytes)));
    const client = await call();
    client.write("first");
    await until(() => sockets.length === 1);
    expect(await countOf(server)).toBe(1);
    let received = "";
    sockets[0]!.on("data", (chunk) => (received += chunk));
    await until(() => received === "first");
    client.write(", second");
    await until(() => received === "first, second");
    sockets[0]!.write("answer");
    expect(String((await once(client, "data"))[0])).toBe("answer");
    client.end(", last");
    await once(sockets[0]!, "end");
    expect(received).toBe("first, second, last");
    sockets[0]!.end();
    await closed(server);
    expect(await countOf(server)).toBe(0);
  });

  test("is dropped without a throw when it is given back and Node accepts no more connections", async () => {
    const errors = strayErrors();
    const { server, sockets, call } = await listen();
    server.maxConnections = 1;
    receiveConnections(server, new Desk((rawSocket, bytes) => rawSocket.giveBack(bytes)));
    (await call()).write("a");
    await until(() => sockets.length === 1);
    const second = await call();
    second.write("b");
    await once(second, "close");
    expect(sockets).toHaveLength(1);
    expect(await countOf(server)).toBe(1);
    expect(errors).toEqual([]);
  });

  test.each<[string, (socket: Socket) => void]>([
    ["ends", (socket) => socket.end()],
    ["resets", (socket) => socket.resetAndDestroy()],
  ])("is gone and closed if it %s before it sends anything", async (_, leave) => {
    const { server, call } = await listen();
    const desk = new Desk();
    receiveConnections(server, desk);
    const client = await call();
    await until(() => desk.arrived.length === 1);
    const over = once(client, "close");
    client.resume();
    leave(client);
    await Promise.all([until(() => desk.gone.length === 1), over]);
    expect(desk.gone).toEqual(desk.arrived);
    expect(desk.first).toEqual([]);
    await closed(server);
    expect(await countOf(server)).toBe(0);
  });

  test("delays the server's close()", async () => {
    const { server, call } = await listen();
    const desk = new Desk();
    receiveConnections(server, desk);
    const client = await call();
    await until(() => desk.arrived.length === 1);
    let isClosed = false;
    const done = closed(server).then(() => (isClosed = true));
    await turns(10);
    expect(isClosed).toBe(false);
    const over = once(client.resume(), "close");
    desk.arrived[0]!.close();
    await Promise.all([done, over]);
  });

  test("becomes a transport, which is counted until it is gone", async () => {
    const { server, call } = await listen();
    const transports: HandleTransport[] = [];
    const desk = new Desk(({ handle, server: counting }, head) =>
      transports.push(new HandleTransport({ handle, server: counting, head })),
    );
    receiveConnections(server, desk);
    const client = await call();
    client.write("hello");
    await until(() => transports.length === 1);
    expect(await countOf(server)).toBe(1);
    transports[0]!.write(Buffer.from("answer"));
    expect(String((await once(client, "data"))[0])).toBe("answer");
    transports[0]!.destroy();
    await closed(server);
    expect(await countOf(server)).toBe(0);
  });

  test("has Nagle's algorithm disabled, as in Node's HTTP server", async () => {
    const { server, call } = await listen();
    const desk = new Desk();
    receiveConnections(server, desk);
    await call();
    await until(() => desk.arrived.length === 1);
    const prototype = Object.getPrototypeOf(desk.arrived[0]!.handle) as {
      setNoDelay(isOn: boolean): number;
    };
    const setNoDelay = vi.spyOn(prototype, "setNoDelay");
    onTestFinished(() => setNoDelay.mockRestore());
    await call();
    await until(() => desk.arrived.length === 2);
    expect(setNoDelay.mock.calls.slice(-1)).toEqual([[true]]);
    expect(setNoDelay.mock.contexts.at(-1)).toBe(desk.arrived[1]!.handle);
    for (const rawSocket of desk.arrived) rawSocket.close();
  });

  test("works over a Unix socket, too", async () => {
    const folder = mkdtempSync(join(tmpdir(), "longwire-newcomers-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const { server, sockets, call } = await listen({ path: join(folder, "socket") });
    receiveConnections(server, new Desk((rawSocket, bytes) => rawSocket.giveBack(bytes)));
    (await call()).write("hello");
    await until(() => sockets.length === 1);
    expect(String((await once(sockets[0]!, "data"))[0])).toBe("hello");
  });
});

describe("receiveConnections", () => {
  test("leaves it to Node to report that a connection could not be accepted", async () => {
    const { server } = await listen();
    const desk = new Desk();
    receiveConnections(server, desk);
    const failed = once(server, "error");
    // libuv's code for EMFILE, too many open files.
    listeningOf(server).onconnection(-24);
    expect((await failed)[0]).toMatchObject({ syscall: "accept" });
    expect(desk.arrived).toEqual([]);
  });

  test("does nothing if Node's internals are not allowed", async () => {
    internals.areAllowed = false;
    const { server, sockets, call } = await listen();
    const { onconnection } = listeningOf(server);
    const desk = new Desk();
    receiveConnections(server, desk);
    expect(listeningOf(server).onconnection).toBe(onconnection);
    await call();
    await until(() => sockets.length === 1);
    expect(desk.arrived).toEqual([]);
  });

  test("does nothing to a server without a handle of its own", () => {
    const desk = new Desk();
    receiveConnections(createServer(), desk);
    const onconnection = (): void => {};
    for (const handle of [null, {}, { onconnection: "no function" }, { onconnection }]) {
      const server = { _handle: handle, _connections: 0 };
      receiveConnections(server as unknown as Server, desk);
      expect(server).toEqual({ _handle: handle, _connections: 0 });
    }
    expect(desk.arrived).toEqual([]);
  });
});
