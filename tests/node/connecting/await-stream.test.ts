import { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import {
  eventOf,
  readAnswer,
  readUntil,
  StreamEnded,
  type Received,
} from "../../../src/node/connecting/dial/await-stream.ts";

/** Opens a stream whose other end is the test; its errors are ignored. */
function openStream(): Duplex {
  const stream = new Duplex({ read: () => {}, write: (_, __, done) => done() });
  stream.on("error", () => {});
  return stream;
}

/** Reads this many bytes. */
function exactly(size: number): (chunk: Uint8Array) => Received<string> | undefined {
  let bytes = Buffer.alloc(0);
  return (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.length < size) return undefined;
    return { answer: bytes.subarray(0, size).toString(), rest: bytes.subarray(size) };
  };
}

describe("reading an answer", () => {
  test("leaves the bytes after it to the next reader, synchronous or later", async () => {
    const stream = openStream();
    stream.push("ab");
    const first = readAnswer(stream, exactly(3));
    stream.push("cdefg");
    expect(await first).toBe("abc");
    expect(await readAnswer(stream, exactly(2))).toBe("de");
    stream.push("h");
    await new Promise((resolve) => setImmediate(resolve));
    expect(await readAnswer(stream, exactly(3))).toBe("fgh");
  });

  test("leaves the stream paused, so that nothing is lost before the next reader is attached", async () => {
    const stream = openStream();
    stream.push("abc");
    const { answer, rest } = await readUntil(stream, exactly(2));
    expect([answer, Buffer.from(rest).toString()]).toEqual(["ab", "c"]);
    stream.push("d");
    await new Promise((resolve) => setImmediate(resolve));
    expect(stream.read()).toEqual(Buffer.from("d"));
  });

  test("fails when the stream ends, with its error, or because it ended before", async () => {
    const ended = openStream();
    const reading = readUntil(ended, exactly(1));
    ended.push(null);
    await expect(reading).rejects.toBeInstanceOf(StreamEnded);
    await expect(readUntil(ended, exactly(1))).rejects.toBeInstanceOf(StreamEnded);

    const broken = openStream();
    const waiting = eventOf(broken, "connect");
    broken.destroy(new Error("broken"));
    await expect(waiting).rejects.toThrow("broken");
    await expect(readUntil(broken, exactly(1))).rejects.toBeInstanceOf(StreamEnded);
  });

  test("throws the error of its receiver", async () => {
    const stream = openStream();
    stream.push("x");
    const reading = readUntil(stream, () => {
      throw new Error("malformed");
    });
    await expect(reading).rejects.toThrow("malformed");
  });

  test("removes all its listeners", async () => {
    const stream = openStream();
    const before = stream.eventNames().length;
    stream.push("a");
    await readAnswer(stream, exactly(1));
    expect(stream.eventNames()).toHaveLength(before);
  });
});
