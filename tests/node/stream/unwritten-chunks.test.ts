import { expect, test } from "vitest";
import { UnwrittenChunks } from "../../../src/node/stream/unwritten-chunks.ts";

const detach = (chunk: Uint8Array): void => {
  structuredClone(chunk.buffer, { transfer: [chunk.buffer] });
};

test("a chunk is checked once it is written, and not before", () => {
  const chunks = new UnwrittenChunks();
  const [first, second] = [new Uint8Array(10), new Uint8Array(5)];
  chunks.add(first);
  chunks.add(second);
  detach(second);
  // A byte of the second chunk may be all that is left.
  expect(chunks.dropWritten(15)).toBe(true);
  expect(chunks.dropWritten(5)).toBe(true);
  expect(chunks.dropWritten(0)).toBe(false);
});

test("a chunk that was changed is not forgotten because a later one is intact", () => {
  const chunks = new UnwrittenChunks();
  const changed = new Uint8Array(10);
  chunks.add(changed);
  chunks.add(new Uint8Array(5));
  detach(changed);
  expect(chunks.dropWritten(0)).toBe(false);
});

test("a chunk is dropped when it is written, even if the transport always holds some", () => {
  const chunks = new UnwrittenChunks();
  const written: Uint8Array[] = [];
  for (let count = 0; count < 100; count += 1) {
    const chunk = new Uint8Array(10);
    written.push(chunk);
    chunks.add(chunk);
    expect(chunks.dropWritten(10)).toBe(true);
  }
  // Only the last one is still unwritten; a change of the others means nothing any more.
  for (const chunk of written.slice(0, -1)) detach(chunk);
  expect(chunks.dropWritten(0)).toBe(true);
});
