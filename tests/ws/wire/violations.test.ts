import { describe, expect, test } from "vitest";
import { Opcode, type Role } from "../../../src/protocol/index.ts";
import { closePayload, frameTo, utf8 } from "../../rigs/protocol/masked-frame.ts";
import { RawClient } from "../../rigs/sockets/raw-client.ts";
import type { WebSocket } from "../../rigs/ws/implementation.ts";
import { connect, keep, listen, Log, next, openPair, streamOf } from "../../rigs/ws/rig.ts";
import { goodAnswer, rawServer } from "../../rigs/ws/raw-peer.ts";
import { violations } from "./violations.ts";
import type { WireFrame } from "../../rigs/protocol/read-frames.ts";

const DEFLATE = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/** Returns a socket of either role whose other end is operated by the test. */
async function endOf(
  role: Role,
  {
    deflate = false,
    ...options
  }: { deflate?: boolean; maxPayload?: number; maxFragments?: number } = {},
): Promise<{
  socket: WebSocket;
  write: (bytes: Uint8Array) => void;
  closeFrames: () => Promise<WireFrame[]>;
}> {
  if (role === "server") {
    const { port, wss } = await listen({ perMessageDeflate: deflate, ...options });
    const connection = next(wss, "connection");
    const fields = deflate ? { "Sec-WebSocket-Extensions": DEFLATE } : {};
    const raw = await RawClient.upgrade(port, "/", fields);
    const [socket] = (await connection) as [WebSocket];
    const write = (bytes: Uint8Array): void => raw.write(bytes);
    return { socket: keep(socket), write, closeFrames: () => raw.framesWhen(1) };
  }
  const fields = deflate ? `Sec-WebSocket-Extensions: ${DEFLATE}\r\n` : "";
  const { url, peers } = await rawServer((accept) => goodAnswer(accept, fields));
  const socket = connect(url, { perMessageDeflate: deflate, ...options });
  await next(socket, "open");
  const write = (bytes: Uint8Array): void => {
    peers[0]!.socket.on("end", () => peers[0]!.socket.end());
    peers[0]!.write(bytes);
  };
  return { socket, write, closeFrames: () => peers[0]!.framesWhen(1) };
}

describe.each(["server", "client"] as const)("a %s that receives", (role) => {
  test.each(violations)(
    "%s fails",
    async (_, frames, { type = RangeError, ...error }, status, options) => {
      const { socket, write, closeFrames } = await endOf(role, options);
      const log = new Log(socket);
      const failed = next(socket, "error") as Promise<[Error]>;
      write(Buffer.concat([...frames(role), frameTo(role, { opcode: 1, payload: utf8("more") })]));
      const [seen] = await failed;
      expect(Object.getPrototypeOf(seen)).toBe(type.prototype);
      expect((seen as { code?: string }).code).toBe(error.code);
      expect((seen as { errno?: number }).errno).toBe(error.errno);
      if (error.message !== "") expect(seen.message).toBe(error.message);
      await log.closed;
      // The socket is already closing when the error fires, and nothing else is delivered.
      expect(log.lines).toEqual([`error ${seen.message}`, "close 1006"]);
      expect(log.states).toEqual([2, 3]);
      const [close] = await closeFrames();
      expect(close).toMatchObject({ opcode: Opcode.Close, payload: closePayload(status) });
    },
  );

  test("a frame with the masking of the other role fails", async () => {
    const { socket, write, closeFrames } = await endOf(role);
    const log = new Log(socket);
    const other = role === "server" ? "client" : "server";
    write(frameTo(other, { opcode: 1, payload: utf8("hi") }));
    const word = role === "server" ? "set" : "clear";
    expect(await log.closed).toEqual([
      `error Invalid WebSocket frame: MASK must be ${word}`,
      "close 1006",
    ]);
    expect((await closeFrames())[0]!.payload).toEqual(closePayload(1002));
  });
});

describe("legal data", () => {
  test("text with characters of two, three and four bytes", async () => {
    const { socket, write } = await endOf("server");
    const heard = next(socket, "message");
    write(frameTo("server", { opcode: 1, payload: Buffer.from("é€𐍈$") }));
    expect(String((await heard)[0])).toBe("é€𐍈$");
  });

  test("any bytes as text with skipUTF8Validation", async () => {
    const { wss, port } = await listen({ skipUTF8Validation: true });
    const connection = next(wss, "connection");
    const raw = await RawClient.upgrade(port);
    const socket = keep((await connection)[0] as WebSocket);
    const heard = next(socket, "message");
    const close = next(socket, "close");
    const payload = Buffer.from([0xf8]);
    raw.write(frameTo("server", { opcode: 1, payload }));
    raw.write(frameTo("server", { opcode: 8, payload: closePayload(1000, payload) }));
    expect(await heard).toEqual([payload, false]);
    expect(await close).toEqual([1000, payload]);
  });
});

test("simultaneous invalid frames in both directions end both, each with its error", async () => {
  const { client, peer } = await openPair();
  const logs = [new Log(client), new Log(peer)];
  streamOf(client).write(Buffer.from([0x85, 0x80, 0, 0, 0, 0]));
  streamOf(peer).write(Buffer.from([0x85, 0]));
  for (const log of logs) {
    expect(await log.closed).toEqual([
      "error Invalid WebSocket frame: invalid opcode 5",
      "close 1006",
    ]);
  }
});

test("so do invalid frames after which both ends close", async () => {
  const { client, peer } = await openPair();
  const logs = [new Log(client), new Log(peer)];
  streamOf(client).write(Buffer.from([0x85, 0x80, 0, 0, 0, 0]));
  streamOf(peer).write(Buffer.from([0x85, 0]));
  client.close();
  peer.close();
  for (const log of logs) expect((await log.closed).at(-1)).toBe("close 1006");
});
