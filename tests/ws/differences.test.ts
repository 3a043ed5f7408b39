import { deflateRawSync } from "node:zlib";
import { expect, test } from "vitest";
import { Opcode } from "../../src/protocol/index.ts";
import { frameTo, joinBytes, maskedFrame, utf8 } from "../rigs/protocol/masked-frame.ts";
import { handshake, RawClient } from "../rigs/sockets/raw-client.ts";
import { expected, WebSocket, type ServerOptions } from "../rigs/ws/implementation.ts";
import { keep, listen, Log, next, nextUncaught } from "../rigs/ws/rig.ts";

/** A server's socket and a raw client. */
async function rawPair(
  options: ServerOptions = {},
  fields: Record<string, string> = {},
): Promise<{ peer: WebSocket; raw: RawClient }> {
  const { port, wss } = await listen(options);
  const connection = next(wss, "connection");
  const raw = await RawClient.upgrade(port, "/", fields);
  const [peer] = (await connection) as [WebSocket];
  return { peer, raw };
}

const OFFER = { "Sec-WebSocket-Extensions": "permessage-deflate" };
const text = (payload: Uint8Array, more = {}): Uint8Array =>
  maskedFrame({ opcode: Opcode.Text, payload, ...more });

test("a violation without an error listener", async () => {
  const { peer, raw } = await rawPair();
  const closing = next(peer, "close").then(() => "closes");
  const thrown = nextUncaught().then(() => "throws");
  raw.write(maskedFrame({ opcode: 5 }));
  expect(await Promise.race([thrown, closing])).toBe(expected("unheardViolation"));
  // Either way, the peer receives a Close frame.
  expect((await raw.framesWhen(1))[0]!.opcode).toBe(Opcode.Close);
});

test("a length in a longer form than necessary", async () => {
  const { peer, raw } = await rawPair();
  const log = new Log(keep(peer));
  raw.write(text(utf8("hi"), { lengthForm: "medium" }));
  raw.write(maskedFrame({ opcode: Opcode.Close }));
  await log.closed;
  expect(log.lines.includes("text hi") ? "taken" : "refused").toBe(expected("longerLengthForm"));
});

test("a key whose last bits are not 0", async () => {
  const { port } = await listen();
  const raw = await RawClient.open(port);
  raw.write(handshake("/", { "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZR==" }));
  expect((await raw.head()).split(" ")[1]).toBe(expected("looseKey"));
});

test("a fragment that is not UTF-8", async () => {
  const { peer, raw } = await rawPair();
  keep(peer);
  const order: string[] = [];
  peer.on("error", () => order.push("error"));
  peer.on("ping", () => order.push("ping"));
  const failed = next(peer, "error");
  raw.write(text(Uint8Array.of(0xff), { fin: false }));
  raw.write(maskedFrame({ opcode: Opcode.Ping }));
  raw.write(maskedFrame({ opcode: Opcode.Continuation }));
  await failed;
  expect(order.length === 1 ? "at once" : "at its end").toBe(expected("brokenTextInFragments"));
});

test("the rest of a chunk when the connection is terminated", async () => {
  const { peer, raw } = await rawPair();
  const log = new Log(keep(peer));
  peer.once("message", () => peer.terminate());
  raw.write(joinBytes([text(utf8("first")), text(utf8("second"))]));
  const lines = await log.closed;
  expect(lines.at(-1)).toBe("close 1006");
  expect(lines.length === 3 ? "delivered" : "dropped").toBe(expected("behindTerminate"));
});

test("the earlier messages that a server keeps to compress the next", async () => {
  const { peer, raw } = await rawPair({ perMessageDeflate: { threshold: 0 } }, OFFER);
  keep(peer);
  const message = "a sentence that is sent twice over, a sentence that is sent twice";
  peer.send(message);
  peer.send(message);
  const [first, second] = await raw.framesWhen(2);
  const isShorter = second!.payload.length < first!.payload.length;
  expect(isShorter ? "kept" : "dropped").toBe(expected("context"));
});

test("both keep them if the options say so", async () => {
  const options = { perMessageDeflate: { threshold: 0, serverNoContextTakeover: false } };
  const { peer, raw } = await rawPair(options, OFFER);
  keep(peer);
  const message = "a sentence that is sent twice over, a sentence that is sent twice";
  peer.send(message);
  peer.send(message);
  const [first, second] = await raw.framesWhen(2);
  expect(second!.payload.length).toBeLessThan(first!.payload.length);
});

test("compression that makes a message longer", async () => {
  const { peer, raw } = await rawPair({ perMessageDeflate: { threshold: 0 } }, OFFER);
  keep(peer);
  peer.send("a");
  const [frame] = await raw.framesWhen(1);
  const isMarked = frame!.reservedBits === 0x40;
  expect(isMarked ? "sent" : "left out").toBe(expected("uselessCompression"));
});

test("a message within maxPayload that is longer when compressed", async () => {
  const { peer, raw } = await rawPair({ perMessageDeflate: true, maxPayload: 10 }, OFFER);
  const log = new Log(keep(peer));
  const payload = deflateRawSync("0123456789", { level: 0, finishFlush: 2 }).subarray(0, -4);
  expect(payload.length).toBeGreaterThan(10);
  raw.write(text(payload, { reservedBits: 0x40 }));
  raw.write(frameTo("server", { opcode: Opcode.Close }));
  await log.closed;
  const isTaken = log.lines.includes("text 0123456789");
  expect(isTaken ? "taken" : "refused").toBe(expected("compressedBeyondLimit"));
});

test("a socket that is created with null and nothing else", () => {
  const make = (): string => {
    try {
      return new WebSocket(null).readyState === 0 ? "is made" : "is odd";
    } catch {
      return "throws";
    }
  };
  expect(make()).toBe(expected("detachedWithoutOptions"));
});
