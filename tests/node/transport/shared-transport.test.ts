import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { SharedTransport } from "../../../src/node/index.ts";
import type { TransportOwner } from "../../../src/node/transport/transport.ts";

vi.mock(import("../../../src/node/internals/allowed.ts"), () => ({
  areInternalsAllowed: () => true,
}));

class Owner implements TransportOwner {
  readonly said: string[] = [];
  text = "";
  room: Uint8Array | undefined;

  onChunk(chunk: Uint8Array, length: number): void {
    this.text += Buffer.from(chunk.subarray(0, length)).toString();
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
}

async function open(): Promise<{
  socket: Socket;
  far: Socket;
  owner: Owner;
  transport: SharedTransport;
}> {
  const server = createServer({ allowHalfOpen: true });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const far = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [[socket]] = await Promise.all([accepted, once(far, "connect")]);
  far.on("error", () => {});
  onTestFinished(() => {
    far.destroy();
    socket.destroy();
    server.close();
  });
  const transport = new SharedTransport(socket);
  const owner = new Owner();
  transport.start(owner, new Uint8Array(0));
  transport.resume();
  return { socket, far, owner, transport };
}

async function until(isMet: () => boolean): Promise<void> {
  // oxlint-disable-next-line eslint/no-await-in-loop
  while (!isMet()) await new Promise((resolve) => setImmediate(resolve));
}

async function turns(): Promise<void> {
  // oxlint-disable-next-line eslint/no-await-in-loop
  for (let left = 20; left > 0; left -= 1) await new Promise((resolve) => setImmediate(resolve));
}

describe("a socket whose transport bypasses its streams", () => {
  test("does not pass data to the socket's streams", async () => {
    const { socket, far, owner } = await open();
    const push = vi.spyOn(socket, "push");
    const write = vi.spyOn(socket, "write");
    far.write("a");
    await until(() => owner.text === "a");
    expect(push).not.toHaveBeenCalled();
    expect(write).not.toHaveBeenCalled();
  });

  test("writes past them, and bytesWritten and bytesRead include it", async () => {
    const { socket, far, owner, transport } = await open();
    const write = vi.spyOn(socket, "write");
    let seen = "";
    far.on("data", (chunk) => (seen += chunk.toString()));
    transport.write(Buffer.from("abc"));
    transport.writeAll([Buffer.from("d"), Buffer.from("ef")]);
    far.write("xy");
    await until(() => seen === "abcdef" && owner.text === "xy");
    expect(write).not.toHaveBeenCalled();
    expect([socket.bytesWritten, socket.bytesRead]).toEqual([6, 2]);
  });

  test("writes in order with other writers of the socket, even while it is corked", async () => {
    const { socket, far, transport } = await open();
    let seen = "";
    far.on("data", (chunk) => (seen += chunk.toString()));
    transport.write(Buffer.from("1"));
    socket.write("2");
    transport.write(Buffer.from("3"));
    socket.cork();
    transport.write(Buffer.from("4"));
    socket.write("5");
    transport.writeAll([Buffer.from("6"), Buffer.from("7")]);
    socket.uncork();
    await until(() => seen.length === 7);
    expect(seen).toBe("1234567");
  });

  test("does not write while the socket is corked by other code", async () => {
    const { socket, far, transport } = await open();
    let seen = "";
    far.on("data", (chunk) => (seen += chunk.toString()));
    socket.cork();
    transport.write(Buffer.from("a"));
    await turns();
    expect(seen).toBe("");
    socket.uncork();
    await until(() => seen === "a");
  });

  test("writes in order after pending writes of the socket", async () => {
    const { socket, far, transport } = await open();
    const long = Buffer.alloc(24 * 1024 * 1024, "a");
    socket.write(long);
    socket.write("b");
    transport.write(Buffer.from("c"));
    let length = 0;
    let last = "";
    far.on("data", (chunk) => {
      length += chunk.length;
      last = (last + chunk.toString("latin1")).slice(-2);
    });
    await until(() => length === long.length + 2);
    expect(last).toBe("bc");
  });

  test("can be destroyed by a write callback without reporting the write", async () => {
    const { far, owner, transport } = await open();
    transport.write(Buffer.alloc(24 * 1024 * 1024));
    transport.afterWritten(() => transport.destroy());
    far.resume();
    await until(() => owner.said.includes("gone"));
    expect(owner.said).toEqual(["gone"]);
  });

  test("writes in order after bytes that the operating system has not taken", async () => {
    const { socket, far, transport } = await open();
    const long = Buffer.alloc(24 * 1024 * 1024, "a");
    transport.write(long);
    expect(transport.unsentBytes).toBe(long.length);
    socket.write("b");
    transport.write(Buffer.from("c"));
    expect(transport.unsentBytes).toBe(long.length + 2);
    let length = 0;
    let last = "";
    far.on("data", (chunk) => {
      length += chunk.length;
      last = (last + chunk.toString("latin1")).slice(-2);
    });
    await until(() => length === long.length + 2);
    expect(last).toBe("bc");
    await until(() => transport.unsentBytes === 0);
  });

  test.each(["data", "readable"])("shares its data with new listeners for %s", async (event) => {
    const { socket, far, owner } = await open();
    far.write("before ");
    await until(() => owner.text === "before ");
    let seen = "";
    socket.on(event, (chunk?: Buffer) => (seen += String(chunk ?? socket.read() ?? "")));
    far.write("after");
    await until(() => (event === "readable" ? seen !== "" : owner.text === "before after"));
    expect(seen).toBe("after");
  });

  test("leaves data that others have read unchanged", async () => {
    const { socket, far } = await open();
    const chunks: Buffer[] = [];
    socket.on("data", (chunk) => chunks.push(chunk));
    far.write("first");
    await until(() => chunks.length === 1);
    far.write("other");
    await until(() => chunks.length === 2);
    expect(chunks.map(String)).toEqual(["first", "other"]);
  });

  test("stops reading while other code pauses the socket, and continues when it is resumed", async () => {
    const { socket, far, owner } = await open();
    socket.pause();
    far.write("a");
    await turns();
    expect(owner.text).toBe("");
    socket.resume();
    await until(() => owner.text === "a");
  });

  test("stays paused by its owner when other code resumes the socket", async () => {
    const { socket, far, owner, transport } = await open();
    transport.pause();
    far.write("a");
    await until(() => owner.text === "a");
    socket.pause();
    socket.resume();
    far.write("b");
    await turns();
    expect(owner.text).toBe("a");
    transport.resume();
    await until(() => owner.text === "ab");
  });

  test("restarts the socket's timeout with every read and write", async () => {
    const { socket, far, owner, transport } = await open();
    const putOff = vi.spyOn(socket as unknown as { _unrefTimer(): void }, "_unrefTimer");
    transport.write(Buffer.from("a"));
    expect(putOff).not.toHaveBeenCalled();
    socket.setTimeout(60_000);
    putOff.mockClear();
    transport.write(Buffer.from("a"));
    expect(putOff).toHaveBeenCalledTimes(1);
    far.write("b");
    await until(() => owner.text === "b");
    expect(putOff).toHaveBeenCalledTimes(2);
  });

  test("is gone with the socket, whichever side ends it", async () => {
    const { socket, owner, transport } = await open();
    socket.destroy();
    await until(() => owner.said.includes("gone"));
    transport.write(Buffer.from("a"));
    transport.writeAll([Buffer.from("a")]);
    transport.resume();
    expect(owner.said).toEqual(["gone"]);
    expect(transport.isWritable).toBe(false);
  });

  test("reports the socket's error", async () => {
    const { socket, owner } = await open();
    socket.destroy(Object.assign(new Error("by hand"), { code: "E_HAND" }));
    await until(() => owner.said.includes("gone"));
    expect(owner.said).toEqual(["error E_HAND", "gone"]);
  });
});
