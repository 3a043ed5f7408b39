import { describe, expect, test } from "vitest";
import { Opcode } from "../../../src/protocol/index.ts";
import { closePayload, joinBytes, maskedFrame, utf8 } from "../../rigs/protocol/masked-frame.ts";
import { readFrames } from "../../rigs/protocol/read-frames.ts";
import {
  WebSocketServer,
  type ServerOptions,
  type WebSocket,
} from "../../rigs/ws/implementation.ts";
import { SlowPipe } from "../../rigs/ws/memory-stream.ts";
import { endWithTest, keep, Log, message, turns } from "../../rigs/ws/rig.ts";

async function upgraded(options: ServerOptions): Promise<{ pipe: SlowPipe; peer: WebSocket }> {
  const wss = new WebSocketServer({ noServer: true, ...options });
  endWithTest(wss);
  const pipe = new SlowPipe();
  const peer = keep(await pipe.upgrade(wss));
  // Removes the handshake response, which is not a frame.
  pipe.written.length = 0;
  return { pipe, peer };
}

/** Feeds a frame to a stream in pieces of one byte. */
async function trickle(pipe: SlowPipe, bytes: Uint8Array): Promise<void> {
  for (const octet of bytes) {
    pipe.receive(Buffer.of(octet));
    await turns(2);
  }
}

/** Returns a message of `count` fragments of one byte each. */
function fragments(count: number): Uint8Array {
  const all = Array.from({ length: count }, (_, index) =>
    maskedFrame({ opcode: index === 0 ? 2 : 0, fin: index === count - 1, payload: utf8("x") }),
  );
  return joinBytes(all);
}

describe("maxBufferedChunks", () => {
  const header = (size: number): Uint8Array =>
    maskedFrame({ opcode: Opcode.Binary, payload: new Uint8Array(size) }).subarray(0, 6);

  test("limits the pieces of a frame that are held, with 1008 beyond it", async () => {
    const { pipe, peer } = await upgraded({ maxBufferedChunks: 3 });
    const log = new Log(peer);
    pipe.receive(header(16));
    await turns(2);
    await trickle(pipe, new Uint8Array(4));
    pipe.push(null);
    expect(await log.closed).toEqual(["error Too many buffered chunks", "close 1006"]);
    const [close] = readFrames(new Uint8Array(Buffer.concat(pipe.written)));
    expect(close).toMatchObject({ opcode: Opcode.Close, payload: closePayload(1008) });
  });

  test.each([
    [3, 3],
    [0, 50],
    [undefined, 50],
  ])("of %s accepts a frame of %i pieces", async (maxBufferedChunks, size) => {
    const { pipe, peer } = await upgraded({ maxBufferedChunks });
    const heard = message(peer);
    pipe.receive(header(size));
    await turns(2);
    await trickle(pipe, new Uint8Array(size));
    expect((await heard).data).toHaveLength(size);
  });
});

describe("maxFragments", () => {
  test("is 16,384 by default", async () => {
    const { pipe, peer } = await upgraded({});
    const heard = message(peer);
    pipe.receive(fragments(16_384));
    expect((await heard).data).toHaveLength(16_384);
    const log = new Log(peer);
    pipe.receive(fragments(16_385));
    pipe.push(null);
    expect(await log.closed).toEqual(["error Too many message fragments", "close 1006"]);
  });

  test.each([[0], [undefined]])("of %s means no limit", async (maxFragments) => {
    const { pipe, peer } = await upgraded({ maxFragments });
    const heard = message(peer);
    pipe.receive(fragments(20_000));
    expect((await heard).data).toHaveLength(20_000);
  });
});

test("maxPayload accepts a message of that size, and does not count control frames", async () => {
  const { pipe, peer } = await upgraded({ maxPayload: 10 });
  const log = new Log(peer);
  pipe.receive(maskedFrame({ opcode: 1, fin: false, payload: utf8("01234") }));
  pipe.receive(maskedFrame({ opcode: 9, payload: utf8("0123456789") }));
  pipe.receive(maskedFrame({ opcode: 0, payload: utf8("56789") }));
  pipe.receive(maskedFrame({ opcode: 8 }));
  pipe.push(null);
  expect(await log.closed).toEqual(["ping 0123456789", "text 0123456789", "close 1005"]);
});
