import type { ClientRequest, IncomingMessage } from "node:http";
import { describe, expect, test } from "vitest";
import { Opcode } from "../../../src/protocol/index.ts";
import { plainFrame, utf8 } from "../../rigs/protocol/masked-frame.ts";
import { WebSocket, type ClientOptions } from "../../rigs/ws/implementation.ts";
import { closed, connect, failed, listen, Log, next, until } from "../../rigs/ws/rig.ts";
import { goodAnswer, rawServer, type Answer } from "../../rigs/ws/raw-peer.ts";

/** Returns the events of a client that receives this response. */
async function logOf(
  answer: Answer,
  options: ClientOptions = {},
  protocols: string[] = [],
): Promise<string[]> {
  const { url } = await rawServer(answer);
  return new Log(connect(url, protocols, options)).closed;
}

describe("a response that does not open the connection", () => {
  const cases: [string, string, (accept: string) => string, ClientOptions?, string[]?][] = [
    [
      "Upgrade: foo",
      "Invalid Upgrade header",
      (accept) => goodAnswer(accept).replace("websocket", "foo"),
    ],
    [
      "a wrong accept value",
      "Invalid Sec-WebSocket-Accept header",
      () => goodAnswer("CxYS6+NgJSBG74mdgLvGscRvpns="),
    ],
    [
      "no accept value",
      "Invalid Sec-WebSocket-Accept header",
      (accept) => goodAnswer(accept).replace(/Sec-WebSocket-Accept.*\r\n/, ""),
    ],
    [
      "an extension that was not offered",
      "Server sent a Sec-WebSocket-Extensions header but no extension was requested",
      (accept) => goodAnswer(accept, "Sec-WebSocket-Extensions: foo\r\n"),
      { perMessageDeflate: false },
    ],
    [
      "a malformed extension header",
      "Invalid Sec-WebSocket-Extensions header",
      (accept) => goodAnswer(accept, "Sec-WebSocket-Extensions: foo;=\r\n"),
    ],
    [
      "an empty extension header",
      "Invalid Sec-WebSocket-Extensions header",
      (accept) => goodAnswer(accept, "Sec-WebSocket-Extensions:\r\n"),
    ],
    [
      "an invalid window",
      "Invalid Sec-WebSocket-Extensions header",
      (accept) =>
        goodAnswer(
          accept,
          "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=7\r\n",
        ),
    ],
    [
      "a window without bits",
      "Invalid Sec-WebSocket-Extensions header",
      (accept) =>
        goodAnswer(
          accept,
          "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
        ),
    ],
    [
      "another extension",
      "Server indicated an extension that was not requested",
      (accept) => goodAnswer(accept, "Sec-WebSocket-Extensions: foo\r\n"),
    ],
    [
      "one extension too many",
      "Server indicated an extension that was not requested",
      (accept) => goodAnswer(accept, "Sec-WebSocket-Extensions: permessage-deflate,foo\r\n"),
    ],
    [
      "a subprotocol that was not requested",
      "Server sent a subprotocol but none was requested",
      (accept) => goodAnswer(accept, "Sec-WebSocket-Protocol: foo\r\n"),
    ],
    [
      "another subprotocol",
      "Server sent an invalid subprotocol",
      (accept) => goodAnswer(accept, "Sec-WebSocket-Protocol: baz\r\n"),
      {},
      ["foo", "bar"],
    ],
    [
      "an empty subprotocol",
      "Server sent an invalid subprotocol",
      (accept) => goodAnswer(accept, "Sec-WebSocket-Protocol:\r\n"),
      {},
      ["foo", "bar"],
    ],
    [
      "two subprotocols",
      "Server sent an invalid subprotocol",
      (accept) => goodAnswer(accept, "Sec-WebSocket-Protocol: foo,bar\r\n"),
      {},
      ["foo", "bar"],
    ],
    ["no subprotocol", "Server sent no subprotocol", (accept) => goodAnswer(accept), {}, ["foo"]],
  ];

  test.each(cases)("has %s: '%s'", async (_, text, answer, options, protocols) => {
    const lines = await logOf(answer, options, protocols);
    expect(lines).toEqual(["upgrade", `error ${text}`, "close 1006"]);
  });

  test("is incomplete: Upgrade is lost among too many headers", async () => {
    const { url } = await rawServer((accept) =>
      goodAnswer(accept).replace("Upgrade", "X-First: 1\r\nUpgrade"),
    );
    const client = connect(url);
    client._req!.maxHeadersCount = 1;
    const upgrade = next(client, "upgrade") as Promise<[IncomingMessage]>;
    const error = failed(client);
    expect(Object.keys((await upgrade)[0].headers)).toHaveLength(1);
    expect((await error).message).toBe("Invalid Upgrade header");
  });

  test("the socket is closing when the error fires, and its stream is gone", async () => {
    const { url, peers } = await rawServer(() => goodAnswer("x"));
    const client = connect(url);
    const log = new Log(client);
    await log.closed;
    expect(log.states).toEqual([0, 2, 3]);
    expect(client._socket).toBeNull();
    await peers[0]!.ended();
  });

  test("is another status", async () => {
    const lines = await logOf(() => "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    expect(lines).toEqual(["error Unexpected server response: 401", "close 1006"]);
  });

  test("is a redirect, which is not followed by default", async () => {
    const lines = await logOf(
      () => "HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
    );
    expect(lines).toEqual(["error Unexpected server response: 301", "close 1006"]);
  });

  test("is not HTTP, and Node's own error is emitted", async () => {
    const { url } = await rawServer(() => "foo\r\n\r\n");
    const client = connect(url);
    const log = new Log(client);
    expect((await failed(client)).code).toMatch(/^HPE_/);
    expect(await log.closed).toEqual([expect.stringMatching(/^error Parse Error/), "close 1006"]);
    expect(log.states).toEqual([2, 3]);
  });

  test("does not arrive, because nothing is listening", async () => {
    const { url, wss } = await listen();
    await new Promise<void>((resolve) => wss.close(() => resolve()));
    const client = connect(url);
    const close = closed(client);
    expect((await failed(client)).code).toBe("ECONNREFUSED");
    expect(await close).toEqual({ code: 1006, reason: "", readyState: 3 });
  });

  test("does not arrive in time", async () => {
    const lines = await logOf(() => undefined, { handshakeTimeout: 50 });
    expect(lines).toEqual(["error Opening handshake has timed out", "close 1006"]);
  });

  test("does not arrive, because the connection ends", async () => {
    const lines = await logOf((_, __, { socket }) => void socket.end());
    expect(lines).toEqual(["error socket hang up", "close 1006"]);
  });
});

describe("a valid response", () => {
  test("is emitted as 'upgrade' before it is checked, then the socket opens", async () => {
    const { url } = await rawServer((accept) => goodAnswer(accept, "X-Foo: bar\r\n"));
    const client = connect(url);
    const log = new Log(client);
    const opened = next(client, "open");
    const [response] = (await next(client, "upgrade")) as [IncomingMessage];
    expect(response.headers["x-foo"]).toBe("bar");
    await opened;
    expect(log.lines).toEqual(["upgrade", "open"]);
    expect(log.states).toEqual([0, 1]);
  });

  test.each(["WebSocket", "WEBSOCKET"])("may contain Upgrade: %s", async (upgrade) => {
    const { url } = await rawServer((accept) => goodAnswer(accept).replace("websocket", upgrade));
    await next(connect(url), "open");
  });

  test("may contain more in its Connection header, which only Node reads", async () => {
    const { url } = await rawServer((accept) =>
      goodAnswer(accept).replace("Connection: Upgrade", "Connection: x, upgrade"),
    );
    await next(connect(url), "open");
  });

  test("may be followed directly by frames, which are delivered after 'open'", async () => {
    const frame = plainFrame({ opcode: Opcode.Text, payload: utf8("hi") });
    const { url } = await rawServer((accept) =>
      Buffer.concat([Buffer.from(goodAnswer(accept)), frame]),
    );
    const client = connect(url);
    const seen: string[] = [];
    client.on("open", () => {
      client.on("message", (data: Buffer) => seen.push(String(data)));
      seen.push("open");
    });
    await until(() => seen.length === 2);
    expect(seen).toEqual(["open", "hi"]);
  });

  test("may be followed by the end of the connection: 1006 without an error", async () => {
    const lines = await logOf((accept, _, { socket }) => void socket.end(goodAnswer(accept)));
    expect(lines).toEqual(["upgrade", "open", "close 1006"]);
  });
});

describe("'unexpected-response'", () => {
  const refusal = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n\r\nfoo";

  test("leaves the response to its listener", async () => {
    const { url } = await rawServer(() => refusal);
    const client = connect(url);
    const log = new Log(client);
    const answered = next(client, "unexpected-response");
    const [request, response] = (await answered) as [ClientRequest, IncomingMessage];
    expect(response.statusCode).toBe(401);
    let body = "";
    response.on("data", (chunk) => (body += chunk));
    await next(response, "end");
    expect(body).toBe("foo");
    expect(log.lines).toEqual([]);
    expect(client.readyState).toBe(0);
    expect(request).toBe(client._req);
    client.terminate();
    await log.closed;
  });

  test("its listener may abort the request", async () => {
    const { url } = await rawServer(() => refusal);
    const client = connect(url);
    const log = new Log(client);
    const answered = next(client, "unexpected-response");
    const [request, response] = (await answered) as [ClientRequest, IncomingMessage];
    const end = new Promise((resolve) => response.once("close", resolve));
    response.resume();
    request.destroy();
    await end;
    expect(log.lines).toEqual([]);
  });

  test("close() after the complete response ends it with an error", async () => {
    const { url, peers } = await rawServer(() => refusal);
    const client = connect(url);
    const log = new Log(client);
    const [, response] = (await next(client, "unexpected-response")) as [unknown, IncomingMessage];
    response.resume();
    await next(response, "end");
    client.close();
    expect(client.readyState).toBe(WebSocket.CLOSING);
    expect(await log.closed).toEqual([
      "error WebSocket was closed before the connection was established",
      "close 1006",
    ]);
    await peers[0]!.ended();
  });
});
