import { describe, expect, test } from "vitest";
import { openWebSocket, send, WebSocket } from "../../../src/client/index.ts";
import { Opcode } from "../../../src/protocol/index.ts";
import { readFrames, type WireFrame } from "../../rigs/protocol/read-frames.ts";
import { echo, runServer } from "../../rigs/sockets/run-server.ts";
import { fakeServer, goodAnswer } from "../../rigs/sockets/fake-server.ts";
import { failureOf } from "./failure-of.ts";
import { next } from "../../rigs/sockets/watch-socket.ts";

const TEXT = "the same again and again ".repeat(100);
const AGREED = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n";

/** Starts a server with the given response, which keeps everything it receives. */
async function listening(
  answer: string,
): Promise<{ url: string; request: () => string; frames: () => WireFrame[] }> {
  let opening = "";
  const chunks: Buffer[] = [];
  const url = await fakeServer((accept, request, socket) => {
    opening = request;
    socket.on("data", (chunk) => chunks.push(chunk));
    return goodAnswer(accept, answer);
  });
  return { url, request: () => opening, frames: () => readFrames(Buffer.concat(chunks)) };
}

describe("permessage-deflate (RFC 7692)", () => {
  test("is offered by default, without context takeover", async () => {
    const { url, request } = await listening("");
    await next(new WebSocket(url), "open");
    expect(request()).toMatch(
      /^Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits\r$/m,
    );
  });

  test("is not offered if it is turned off, and then the server must not agree to it", async () => {
    const { url, request } = await listening(AGREED);
    const failure = await failureOf(openWebSocket(url, { compression: false }));
    expect(failure.code).toBe("bad_response");
    expect(request()).not.toMatch(/Extensions/);
  });

  test("the extensions attribute has the negotiated value as the server sent it", async () => {
    const { url } = await listening(AGREED);
    const socket = new WebSocket(url);
    await next(socket, "open");
    expect(socket.extensions).toBe("permessage-deflate; server_no_context_takeover");
  });

  test("messages are compressed except where it is turned off, and all arrive", async () => {
    const { url } = await runServer(echo);
    const socket = new WebSocket(url);
    await next(socket, "open");
    for (const compress of [true, false]) {
      send(socket, TEXT, { compress });
      expect((await next(socket, "message")).data).toBe(TEXT);
    }
    socket.close();
  });

  test("send with compress: false sets no RSV1, for text, bytes and Blobs, and keeps the order", async () => {
    const { url, frames } = await listening(AGREED);
    const socket = new WebSocket(url);
    await next(socket, "open");
    socket.send(TEXT);
    send(socket, TEXT, { compress: false });
    send(socket, new Blob([TEXT]), { compress: false });
    send(socket, Buffer.from(TEXT), { compress: false });
    send(socket, TEXT);
    socket.close();
    await expect
      .poll(() => {
        try {
          return frames().at(-1)?.opcode;
        } catch {
          return undefined;
        }
      })
      .toBe(Opcode.Close);
    expect(frames().map(({ opcode, reservedBits }) => [opcode, reservedBits])).toEqual([
      [Opcode.Text, 0x40],
      [Opcode.Text, 0],
      [Opcode.Binary, 0],
      [Opcode.Binary, 0],
      [Opcode.Text, 0x40],
      [Opcode.Close, 0],
    ]);
  });

  test("send throws like socket.send while connecting", async () => {
    const socket = new WebSocket((await listening("")).url);
    const attempt = (): void => send(socket, TEXT, { compress: false });
    expect(attempt).toThrow(expect.objectContaining({ name: "InvalidStateError" }));
    await next(socket, "open");
  });
});
