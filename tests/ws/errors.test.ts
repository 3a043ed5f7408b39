import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { openAsBlob } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { rawServer } from "../rigs/ws/raw-peer.ts";
import {
  closed,
  connect,
  Log,
  next,
  nextUncaught,
  openPair,
  streamOf,
  told,
  turns,
} from "../rigs/ws/rig.ts";

/** A Blob of a file that has changed since, so that it cannot be read. */
async function brokenBlob(): Promise<Blob> {
  const folder = mkdtempSync(join(tmpdir(), "longwire-blob-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "blob");
  writeFileSync(file, "some data");
  utimesSync(file, 1000, 1000);
  const blob = await openAsBlob(file);
  writeFileSync(file, "some other data");
  return blob;
}

const UNREADABLE = "The blob could not be read";

describe("a Blob that cannot be read", () => {
  test("causes an error of the socket, and of all waiting callbacks", async () => {
    const { peer } = await openPair();
    const log = new Log(peer);
    const error = next(peer, "error") as Promise<[DOMException]>;
    const blob = await brokenBlob();
    const callbacks = [
      told((done) => peer.send(blob, done)),
      told((done) => peer.send("behind", done)),
    ];
    const [given] = await error;
    expect(given).toBeInstanceOf(DOMException);
    expect(given.name).toBe("NotReadableError");
    expect(await Promise.all(callbacks)).toEqual([given, given]);
    expect(await log.closed).toEqual([`error ${UNREADABLE}`, "close 1006"]);
    expect(log.states).toEqual([2, 3]);
  });

  test("ends the connection, after closeTimeout at the latest", async () => {
    const { url, peers } = await rawServer();
    const client = connect(url, { closeTimeout: 30 });
    await next(client, "open");
    const end = closed(client);
    client.send(await brokenBlob());
    await peers[0]!.ended();
    // The peer does not end its own half.
    expect(await end).toEqual({ code: 1006, reason: "", readyState: 3 });
    expect(peers[0]!.frames).toEqual([]);
  });

  test("causes no error event once the socket has closed, only a callback error", async () => {
    const { client, peer } = await openPair();
    const log = new Log(peer);
    const blob = await brokenBlob();
    const lost = told((done) => peer.send(blob, done));
    streamOf(client).destroy();
    streamOf(peer).destroy();
    expect((await lost) as Error).toBeInstanceOf(Error);
    await log.closed;
    await turns(5);
    expect(log.lines.filter((line) => line.startsWith("error"))).toHaveLength(
      log.lines.indexOf("close 1006") > 0 ? 1 : 0,
    );
  });
});

test("the error of a Blob that cannot be read is thrown if there is no listener", async () => {
  const { peer } = await openPair();
  peer.removeAllListeners("error");
  const blob = await brokenBlob();
  const uncaught = nextUncaught();
  const end = closed(peer);
  peer.send(blob);
  expect((await uncaught).message).toBe(UNREADABLE);
  await end;
});

describe("'error'", () => {
  test("is emitted once: not for a Blob after a violation", async () => {
    const { client, peer } = await openPair(
      { perMessageDeflate: { threshold: 0 } },
      { perMessageDeflate: { threshold: 0 } },
    );
    const log = new Log(peer);
    const blob = await brokenBlob();
    streamOf(client).write(Buffer.from([0x85, 0x80, 0, 0, 0, 0]));
    peer.send("x".repeat(100_000));
    await next(peer, "error");
    peer.send(blob);
    expect(await log.closed).toEqual([
      "error Invalid WebSocket frame: invalid opcode 5",
      "close 1006",
    ]);
    await turns(10);
    expect(log.lines).toHaveLength(2);
  });

  test("is emitted once: not for a violation after a Blob", async () => {
    const { client, peer } = await openPair();
    const log = new Log(peer);
    const blob = await brokenBlob();
    peer.send(blob);
    await next(peer, "error");
    streamOf(client).write(Buffer.from([0x85, 0x80, 0, 0, 0, 0]));
    expect((await log.closed).filter((line) => line.startsWith("error"))).toEqual([
      `error ${UNREADABLE}`,
    ]);
  });

  test("is not emitted if the connection is lost", async () => {
    const { client, peer } = await openPair();
    const logs = [new Log(client), new Log(peer)];
    streamOf(client).resetAndDestroy();
    expect(await logs[0]!.closed).toEqual(["close 1006"]);
    expect(await logs[1]!.closed).toEqual(["close 1006"]);
  });

  test("is not emitted for an error of the stream", async () => {
    const { client } = await openPair();
    const log = new Log(client);
    streamOf(client).destroy(new Error("foo"));
    expect(await log.closed).toEqual(["close 1006"]);
  });

  test("is emitted after the Close frame was sent, whatever its listener does", async () => {
    const { client, peer } = await openPair();
    const end = closed(client);
    const stream = streamOf(peer);
    peer.on("error", () => stream.destroy());
    streamOf(client).write(Buffer.from([0x85, 0x80, 0, 0, 0, 0]));
    expect((await end).code).toBe(1002);
  });

  test("is emitted before 'close' at both ends, and the peer receives the status", async () => {
    const { client, peer } = await openPair();
    const end = closed(peer);
    const log = new Log(client);
    streamOf(peer).write(Buffer.from([0x85, 0]));
    expect(await log.closed).toEqual([
      "error Invalid WebSocket frame: invalid opcode 5",
      "close 1006",
    ]);
    expect(await end).toEqual({ code: 1002, reason: "", readyState: 3 });
  });
});

describe("an exception in a listener", () => {
  test.each(["message", "ping", "pong"] as const)(
    "of '%s' is an uncaught exception",
    async (event) => {
      const { client, peer } = await openPair();
      const thrown = new Error("Oops");
      client.on(event, () => {
        throw thrown;
      });
      const uncaught = nextUncaught();
      if (event === "message") peer.send("hi");
      else peer[event]();
      expect(await uncaught).toBe(thrown);
    },
  );
});
