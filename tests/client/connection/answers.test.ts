import { describe, expect, test } from "vitest";
import { WebSocket } from "../../../src/client/index.ts";
import { Opcode } from "../../../src/protocol/index.ts";
import { plainFrame } from "../../rigs/protocol/masked-frame.ts";
import { echo, runServer } from "../../rigs/sockets/run-server.ts";
import { fakeServer, goodAnswer } from "../../rigs/sockets/fake-server.ts";
import { eventsOf, next } from "../../rigs/sockets/watch-socket.ts";

describe("the server's response", () => {
  test("an open socket has its state, URL, subprotocol and extensions", async () => {
    const { url } = await runServer({ ...echo, protocols: ["chat"] });
    const socket = new WebSocket(`${url}/path?x=1`, ["other", "chat"]);
    const initial = { readyState: 0, protocol: "", extensions: "", bufferedAmount: 0 };
    expect(socket).toMatchObject(initial);
    await next(socket, "open");
    expect(socket).toMatchObject({ readyState: 1, url: `${url}/path?x=1`, protocol: "chat" });
    expect(socket.extensions).toMatch(/^permessage-deflate; /);
    socket.close();
    await next(socket, "close");
    // The attributes keep their values.
    expect(socket.protocol).toBe("chat");
    expect(socket.extensions).toMatch(/^permessage-deflate; /);
  });

  test("extensions are reported as received (RFC 6455 §9.1)", async () => {
    const agreed = "permessage-deflate;server_no_context_takeover ; client_no_context_takeover";
    const url = await fakeServer((accept) =>
      goodAnswer(accept, `Sec-WebSocket-Extensions: ${agreed}\r\n`),
    );
    const socket = new WebSocket(url);
    await next(socket, "open");
    expect(socket.extensions).toBe(agreed);
  });

  test.each([100, 102, 103])(
    "%i before the response is skipped (RFC 9110 §15.2)",
    async (status) => {
      const interim = `HTTP/1.1 ${status} Wait\r\nLink: </style.css>; rel=preload\r\n\r\n`;
      const socket = new WebSocket(await fakeServer((accept) => interim + goodAnswer(accept)));
      expect(await next(socket, "open")).toBeDefined();
    },
  );

  test("without subprotocol and extensions, the attributes are empty", async () => {
    const socket = new WebSocket(await fakeServer((accept) => goodAnswer(accept)));
    await next(socket, "open");
    expect(socket).toMatchObject({ protocol: "", extensions: "" });
  });
});

describe("a server that breaks the protocol", () => {
  test.each([
    ["a masked frame", Uint8Array.of(0x81, 0x81, 1, 2, 3, 4, 5)],
    ["bad UTF-8", plainFrame({ opcode: Opcode.Text, payload: Uint8Array.of(0x80) })],
    ["a reserved bit", plainFrame({ opcode: Opcode.Text, reservedBits: 0x40 })],
    ["a message beyond the limit", plainFrame({ opcode: Opcode.Binary, announced: 2n ** 40n })],
    ["an invalid close code", plainFrame({ opcode: Opcode.Close, payload: Uint8Array.of(3, 237) })],
  ])("%s fails the connection: error, close 1006", async (_, bytes) => {
    const url = await fakeServer((accept) =>
      Buffer.concat([Buffer.from(goodAnswer(accept)), bytes]),
    );
    expect(await eventsOf(new WebSocket(url))).toEqual(["open", "error", "close"]);
  });

  test.each<[string, (accept: string) => string]>([
    ["200", () => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
    ["a redirect", () => "HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1/\r\n\r\n"],
    ["a wrong proof", () => goodAnswer("AAAAAAAAAAAAAAAAAAAAAAAAAAA=")],
    ["no Upgrade", (accept) => goodAnswer(accept).replace("Upgrade: websocket\r\n", "")],
    ["no Connection", (accept) => goodAnswer(accept).replace("Connection: Upgrade\r\n", "")],
    ["HTTP/1.0", (accept) => goodAnswer(accept).replace("HTTP/1.1", "HTTP/1.0")],
    [
      "an extension that was not offered",
      (accept) => goodAnswer(accept, "Sec-WebSocket-Extensions: x-unknown\r\n"),
    ],
    [
      "a subprotocol that was not offered",
      (accept) => goodAnswer(accept, "Sec-WebSocket-Protocol: x\r\n"),
    ],
    ["endless interim responses", () => "HTTP/1.1 103 X\r\n\r\n".repeat(17)],
    ["garbage", () => "\u0000\u0001\u0002\r\n\r\n"],
    ["an endless header", () => `HTTP/1.1 101 X\r\n${"x: y\r\n".repeat(5_000)}`],
  ])("%s as the response fails the handshake", async (_, answer) => {
    const socket = new WebSocket(await fakeServer(answer));
    expect(await eventsOf(socket)).toEqual(["error", "close"]);
  });

  test("a server that chooses none of the offered subprotocols fails it", async () => {
    const socket = new WebSocket(await fakeServer((accept) => goodAnswer(accept)), "chat");
    expect(await eventsOf(socket)).toEqual(["error", "close"]);
  });

  test("a server that closes the connection without a response fails it", async () => {
    const url = await fakeServer((_accept, _request, socket) => {
      socket.end();
      return "";
    });
    expect(await eventsOf(new WebSocket(url))).toEqual(["error", "close"]);
  });
});
