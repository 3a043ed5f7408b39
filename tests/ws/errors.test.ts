import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { openAsBlob } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { rawServer } from "./raw-peer.ts";
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
} from "./rig.ts";

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
  test("is an error of the socket, and of all callbacks that wait", async () => {
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

  test("ends the connection, at the latest after closeTimeout", async () => {
    const { url, peers } = await rawServer();
    const client = connect(url, { closeTimeout: 30 });
    await next(client, "open");
    const end = closed(client);
    client.send(await brokenBlob());
    await peers[0]!.ended();
    // It does not end its own half.
    expect(await end).toEqual({ code: 1006, reason: "", readyState: 3 });
    expect(peers[0]!.frames).toEqual([]);
  });

  test("is no error once the socket has closed, but for its callback", async () => {
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

test("a Blob that cannot be read is thrown where nobody listens", async () => {
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
  test("comes once: not for a Blob behind a violation", async () => {
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

  test("comes once: not for a violation behind a Blob", async () => {
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

  test("does not come for a connection that breaks", async () => {
    const { client, peer } = await openPair();
    const logs = [new Log(client), new Log(peer)];
    streamOf(client).resetAndDestroy();
    expect(await logs[0]!.closed).toEqual(["close 1006"]);
    expect(await logs[1]!.closed).toEqual(["close 1006"]);
  });

  test("does not come for an error of the stream", async () => {
    const { client } = await openPair();
    const log = new Log(client);
    streamOf(client).destroy(new Error("foo"));
    expect(await log.closed).toEqual(["close 1006"]);
  });

  test("comes when the peer has been told, whatever is done in its listener", async () => {
    const { client, peer } = await openPair();
    const end = closed(client);
    const stream = streamOf(peer);
    peer.on("error", () => stream.destroy());
    streamOf(client).write(Buffer.from([0x85, 0x80, 0, 0, 0, 0]));
    expect((await end).code).toBe(1002);
  });

  test("comes before the 'close' of both ends: the peer is told the status", async () => {
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

describe("what a listener throws", () => {
  test.each(["message", "ping", "pong"] as const)("in '%s' is the process's", async (event) => {
    const { client, peer } = await openPair();
    const thrown = new Error("Oops");
    client.on(event, () => {
      throw thrown;
    });
    const uncaught = nextUncaught();
    if (event === "message") peer.send("hi");
    else peer[event]();
    expect(await uncaught).toBe(thrown);
  });
});
