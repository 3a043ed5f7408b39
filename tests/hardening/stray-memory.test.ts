import { describe, expect, test } from "vitest";
import { openWebSocket } from "../../src/client/index.ts";
import { Connection, Opcode } from "../../src/protocol/index.ts";
import { CountingBytes } from "../rigs/protocol/counting-bytes.ts";
import { joinBytes, maskedFrame } from "../rigs/protocol/masked-frame.ts";
import { CollectingHandler, roles } from "../rigs/protocol/open-connection.ts";
import { readFrames } from "../rigs/protocol/read-frames.ts";
import { runServer, Witness } from "../rigs/sockets/run-server.ts";
import { WirePeer } from "../rigs/sockets/wire-peer.ts";

/**
 * Returns an array that reports more than its real length, by mistake of an application or a
 * parser.
 */
function boastful(property: "length" | "byteLength"): Uint8Array {
  return Object.defineProperty(Uint8Array.of(1, 2), property, { value: 5_000 });
}

class Longer extends Uint8Array {
  override get length(): number {
    return 5_000;
  }
}

function detached(size: number): Uint8Array {
  const bytes = new Uint8Array(size).fill(7);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

const sevens = new Uint8Array(64).fill(7);

/** Arguments that a caller may pass, and the bytes that may be sent for each, other than none. */
const payloads: [string, unknown, number[][]][] = [
  ["a number", 200, [[...Buffer.from("200")]]],
  ["a large number", 5_000_000, [[...Buffer.from("5000000")]]],
  ["NaN", NaN, [[...Buffer.from("NaN")]]],
  ["undefined", undefined, [[...Buffer.from("undefined")]]],
  ["null", null, [[...Buffer.from("null")]]],
  ["true", true, [[...Buffer.from("true")]]],
  ["a bigint", 9n, [[...Buffer.from("9")]]],
  ["an object", {}, [[...Buffer.from("[object Object]")]]],
  ["an object with a length", { length: 100 }, [[...Buffer.from("[object Object]")]]],
  [
    "an object with a byteLength",
    { byteLength: 100, length: 100, buffer: sevens.buffer },
    [[...Buffer.from("[object Object]")]],
  ],
  ["an array", [1, 2, 3], [[...Buffer.from("1,2,3")]]],
  ["a Uint16Array", Uint16Array.of(0x0102, 0x0304), [[2, 1, 4, 3], [...Buffer.from("258,772")]]],
  [
    "a DataView of the middle of a buffer",
    new DataView(sevens.buffer, 3, 2),
    [[7, 7], [...Buffer.from("[object DataView]")]],
  ],
  ["a subarray", sevens.subarray(60), [[7, 7, 7, 7], [...Buffer.from("7,7,7,7")]]],
  ["an empty array", new Uint8Array(0), [[]]],
  ["a detached array", detached(100), [[]]],
  ["a detached ArrayBuffer", detached(100).buffer, [[], [...Buffer.from("[object ArrayBuffer]")]]],
  ["an array that reports another length", boastful("length"), [[1, 2], [...Buffer.from("1,2")]]],
  ["an array that reports another size", boastful("byteLength"), [[1, 2], [...Buffer.from("1,2")]]],
  [
    "an array of a class that reports another length",
    new Longer([1, 2]),
    [[1, 2], [...Buffer.from("1,2")]],
  ],
  ["an object that only has the prototype", Object.create(Uint8Array.prototype), []],
];

/** Makes a call that is allowed to throw. */
function attempt(call: () => unknown): void {
  try {
    call();
  } catch {
    // As good: nothing goes out.
  }
}

function expectOneOf(payload: Uint8Array, allowed: readonly number[][]): void {
  expect(allowed).toContainEqual([...payload]);
}

describe.each(payloads)("%s (CVE-2016-10518, CVE-2026-45736)", (_, value, allowed) => {
  test.each(roles)("as a payload or reason of a %s's connection", (role) => {
    const given = value as never;
    const calls: ((connection: Connection) => void)[] = [
      (connection) => connection.sendBinary(given),
      (connection) => connection.sendBinary(given, false),
      (connection) => void connection.sendText(given),
      (connection) => connection.sendFragment("binary", given, true),
      (connection) => connection.sendPing(given),
      (connection) => connection.sendPong(given),
      (connection) => connection.close(1000, given),
    ];
    for (const call of calls) {
      const connection = new Connection(role, new CollectingHandler(), {
        bytes: new CountingBytes(),
      });
      attempt(() => call(connection));
      for (const { opcode, payload } of readFrames(joinBytes(connection.outgoing.take()))) {
        const sent = opcode === Opcode.Close ? payload.subarray(2) : payload;
        // A missing reason is an empty one.
        expectOneOf(sent, [...allowed, []]);
      }
    }
  });

  test("as ready-made frames throws, or sends only its own bytes", () => {
    const connection = new Connection("server", new CollectingHandler());
    attempt(() => connection.sendFrames(value as never));
    for (const bytes of connection.outgoing.take()) {
      expect(bytes).toBeInstanceOf(Uint8Array);
      expectOneOf(bytes, allowed);
    }
  });

  test("sent by a server's peer", async () => {
    const witness = new Witness();
    const running = await runServer(witness);
    const wire = await WirePeer.open("TCP", running);
    const peer = await witness.opened();
    const given = value as never;
    peer.send("first");
    attempt(() => peer.send(given));
    attempt(() => peer.send(given, { compress: false }));
    attempt(() => peer.ping(given));
    attempt(() => peer.sendFrames(peer.encodeText(given)));
    peer.send("last");
    attempt(() => peer.close(4000, given));
    peer.close();
    const last = Buffer.from("last");
    await wire.until(() => wire.received.includes(last) && hasClose(wire));
    const frames = wire.frames.filter(({ payload }) => !/^(fir|la)st$/.test(textOf(payload)));
    for (const { opcode, payload } of frames) {
      const sent = opcode === Opcode.Close ? payload.subarray(2) : payload;
      expectOneOf(sent, [...allowed, []]);
    }
  });

  test("sent by a client", async () => {
    const witness = new Witness();
    const endpoint = Object.assign(witness, { origins: "any" as const });
    const { url } = await runServer(endpoint, { compression: false });
    const socket = openWebSocket(url, { compression: false });
    await new Promise((resolve) => socket.addEventListener("open", resolve));
    attempt(() => socket.send(value as never));
    attempt(() => socket.close(4000, value as never));
    socket.close();
    const { reason } = await witness.closed();
    for (const message of witness.messages) expectOneOf(Buffer.from(message as string), allowed);
    expectOneOf(Buffer.from(reason), [...allowed, []]);
  });
});

function hasClose(wire: WirePeer): boolean {
  try {
    return wire.frames.some(({ opcode }) => opcode === Opcode.Close);
  } catch {
    return false;
  }
}

function textOf(payload: Uint8Array): string {
  return Buffer.from(payload).toString("latin1");
}

test("a reused block does not reveal its earlier content", async () => {
  const witness = new Witness();
  const running = await runServer(witness);
  const first = await WirePeer.open("TCP", running);
  const peer = await witness.opened();
  peer.send("secret ".repeat(2_000));
  await first.framesWhen(1);
  for (const value of [boastful("length"), new Longer(3), detached(9_000), { length: 9_000 }]) {
    attempt(() => peer.send(value as never));
    attempt(() => peer.ping(value as never));
    attempt(() => peer.sendFrames(value as never));
  }
  first.write(maskedFrame({ opcode: Opcode.Close }));
  await first.closed();
  const others = first.frames.slice(1);
  expect(others.map(({ payload }) => textOf(payload)).join("")).not.toContain("secret");
});
