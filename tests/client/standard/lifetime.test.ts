import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, describe, expect, test } from "vitest";
import { WebSocket, WebSocketStream } from "../../../src/client/index.ts";
import { RunningProgram } from "../../rigs/processes/running-program.ts";
import { runServer, Witness } from "../../rigs/sockets/run-server.ts";
import { turns, until } from "../../rigs/clock/event-loop.ts";
import { HeldServer } from "../../rigs/sockets/held-server.ts";
import { next } from "../../rigs/sockets/watch-socket.ts";

setFlagsFromString("--expose-gc");
afterAll(() => RunningProgram.endAll());

const collect = runInNewContext("gc") as () => void;

/** Collects all garbage, including objects that need a turn of the event loop. */
async function collectAll(): Promise<void> {
  for (let round = 0; round < 5; round += 1) {
    collect();
    await turns(2);
  }
}

describe("garbage collection (WHATWG WebSockets §5)", () => {
  test("a connecting socket with a listener is kept", async () => {
    const server = await HeldServer.start();
    const seen: string[] = [];
    (() => {
      new WebSocket(`ws://127.0.0.1:${server.port}`).onopen = ({ type }) => seen.push(type);
    })();
    const peer = await server.next();
    await collectAll();
    peer.accept();
    await until(() => seen.length === 1);
  });

  test("an open one is kept, and receives messages, the error and the end", async () => {
    const witness = new Witness();
    const { url } = await runServer(witness);
    const seen: string[] = [];
    (() => {
      const socket = new WebSocket(url);
      for (const type of ["message", "error", "close"]) {
        socket.addEventListener(type, () => seen.push(type));
      }
    })();
    const peer = await witness.opened();
    await collectAll();
    peer.send("x");
    await until(() => seen.length === 1);
    await collectAll();
    peer.terminate();
    await until(() => seen.length === 3);
    expect(seen).toEqual(["message", "error", "close"]);
  });

  test("one with unsent data is kept until it is sent", async () => {
    const witness = new Witness();
    const { url } = await runServer(witness);
    await (async () => {
      const socket = new WebSocket(url);
      await next(socket, "open");
      socket.send(new Blob(["a"]));
      socket.send("b");
      socket.close();
    })();
    await collectAll();
    await witness.closed();
    expect(witness.messages).toHaveLength(2);
  });

  test("a closed one is collected", async () => {
    const { url } = await runServer(new Witness());
    const open = async (): Promise<WeakRef<WebSocket>> => {
      const socket = new WebSocket(url);
      await next(socket, "open");
      socket.send("x");
      socket.close();
      await next(socket, "close");
      return new WeakRef(socket);
    };
    const closed = await Promise.all([open(), open(), open()]);
    await collectAll();
    await until(() => {
      collect();
      return closed.every((reference) => reference.deref() === undefined);
    });
  });

  test("a stream that is being read or written is kept", async () => {
    const witness = new Witness();
    const { url } = await runServer(witness);
    const { reader, writer } = await (async () => {
      const { readable, writable } = await new WebSocketStream(url).opened;
      return { reader: readable.getReader(), writer: writable.getWriter() };
    })();
    await collectAll();
    await writer.write("x");
    await witness.until(() => witness.messages.length === 1);
    (await witness.opened()).send("y");
    expect(await reader.read()).toEqual({ done: false, value: "y" });
  });
});

describe("the process stays alive", () => {
  test("while a stream is open that nobody reads, and no longer", async () => {
    const witness = new Witness();
    const { url } = await runServer(witness);
    const program = new RunningProgram(process.execPath, [
      "tests/client/standard/unread-stream.mjs",
      url,
    ]);
    const peer = await witness.opened();
    // One turn's data is read anyway; the rest waits in the kernel.
    for (const text of ["a", "b", "c"]) peer.send(text.repeat(1_000_000));
    expect(await program.exited).toBe(0);
    expect(program.stdout.trim().split("\n")).toEqual(["open", "alive", "a", "b", "c", "closed"]);
  });
});
