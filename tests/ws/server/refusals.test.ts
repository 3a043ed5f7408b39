import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import { text } from "node:stream/consumers";
import { handshake, RawClient } from "../../rigs/sockets/raw-client.ts";
import type { ClientInfo, Verified } from "../../../src/ws/server/server-options.ts";
import type { ServerOptions } from "../../rigs/ws/implementation.ts";
import { duplexPair, upgradeRequest } from "../../rigs/ws/memory-stream.ts";
import { connect, listen, next } from "../../rigs/ws/rig.ts";

/** Returns the complete response of a server with these options. */
async function answerTo(
  request: string,
  options: ServerOptions = {},
): Promise<{ answer: string; connections: number }> {
  const { port, wss } = await listen(options);
  let connections = 0;
  wss.on("connection", () => (connections += 1));
  const raw = await RawClient.open(port);
  raw.write(request);
  const answer = await raw.all();
  return { answer, connections };
}

function refusal(status: string, body: string, more: string[] = []): string {
  return [
    `HTTP/1.1 ${status}`,
    "Connection: close",
    "Content-Type: text/html",
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...more,
    "",
    body,
  ].join("\r\n");
}

const BAD = "400 Bad Request";
const NO_KEY = "Missing or invalid Sec-WebSocket-Key header";
const NO_VERSION = "Missing or invalid Sec-WebSocket-Version header";
const VERSIONS = ["Sec-WebSocket-Version: 13, 8"];
const BAD_PROTOCOL = "Invalid Sec-WebSocket-Protocol header";
const BAD_EXTENSIONS = "Invalid or unacceptable Sec-WebSocket-Extensions header";
const deflate = { perMessageDeflate: true };

const post = handshake("/", {}, "POST / HTTP/1.1");
const cases: [string, string, string, ServerOptions?][] = [
  ["POST", post, refusal("405 Method Not Allowed", "Invalid HTTP method")],
  ["another protocol", handshake("/", { Upgrade: "foo" }), refusal(BAD, "Invalid Upgrade header")],
  ["no key", handshake("/", { "Sec-WebSocket-Key": undefined }), refusal(BAD, NO_KEY)],
  ["a short key", handshake("/", { "Sec-WebSocket-Key": "P5l8BJcZwRc=" }), refusal(BAD, NO_KEY)],
  [
    "no version",
    handshake("/", { "Sec-WebSocket-Version": undefined }),
    refusal(BAD, NO_VERSION, VERSIONS),
  ],
  [
    "version 12",
    handshake("/", { "Sec-WebSocket-Version": "12" }),
    refusal(BAD, NO_VERSION, VERSIONS),
  ],
  ["another path", handshake("/foo"), refusal(BAD, "Bad Request"), { path: "/bar" }],
  [
    "a malformed list of protocols",
    handshake("/", { "Sec-WebSocket-Protocol": "foo;bar" }),
    refusal(BAD, BAD_PROTOCOL),
  ],
  [
    "an empty list of protocols",
    handshake("/", { "Sec-WebSocket-Protocol": "" }),
    refusal(BAD, BAD_PROTOCOL),
  ],
  [
    "a malformed list of extensions",
    handshake("/", {
      "Sec-WebSocket-Extensions": "permessage-deflate; server_max_window_bits=foo",
    }),
    refusal(BAD, BAD_EXTENSIONS),
    deflate,
  ],
  [
    "an invalid window",
    handshake("/", { "Sec-WebSocket-Extensions": "permessage-deflate; server_max_window_bits=7" }),
    refusal(BAD, BAD_EXTENSIONS),
    deflate,
  ],
  [
    "a client that is not accepted",
    handshake(),
    refusal("401 Unauthorized", "Unauthorized"),
    { verifyClient: () => false },
  ],
];

describe("a refused handshake", () => {
  test.each(cases)("%s is answered with its own text", async (_, request, answer, options) => {
    expect(await answerTo(request, options)).toEqual({ answer, connections: 0 });
  });

  test("checks are made in order: the method before the key before the path", async () => {
    const wrong = { "Sec-WebSocket-Key": "x", "Sec-WebSocket-Version": "1" };
    const options = { path: "/bar" };
    const first = await answerTo(handshake("/", wrong, "POST / HTTP/1.1"), options);
    expect(first.answer).toContain("Invalid HTTP method");
    const second = await answerTo(handshake("/", wrong), options);
    expect(second.answer).toContain(NO_KEY);
    const third = await answerTo(handshake("/", { "Sec-WebSocket-Protocol": "," }), options);
    expect(third.answer).toContain("\r\n\r\nBad Request");
  });

  test("of Hixie 76 has no known key", async () => {
    const request = [
      "GET / HTTP/1.1",
      "Connection: Upgrade",
      "Upgrade: WebSocket",
      "Sec-WebSocket-Key1: 3e6b263  4 17 80",
      "Sec-WebSocket-Key2: 17  9 G`ZD9   2 2b 7X 3 /r90",
      "Host: localhost",
      "",
      "",
    ].join("\r\n");
    expect((await answerTo(request)).answer).toBe(refusal(BAD, NO_KEY));
  });

  test("has lost its Upgrade header among too many others", async () => {
    const { wss } = await listen();
    const [near, far] = duplexPair();
    const answer = text(far);
    const request = upgradeRequest({ upgrade: undefined });
    wss.handleUpgrade(request, near, Buffer.alloc(0), () => {});
    expect(await answer).toBe(refusal(BAD, "Invalid Upgrade header"));
  });

  test("an Upgrade header may be in any case", async () => {
    const { port } = await listen();
    await RawClient.upgrade(port, "/", { Upgrade: "WebSOCKET" });
  });

  test("a client of version 8 is accepted", async () => {
    const { port } = await listen();
    await RawClient.upgrade(port, "/", { "Sec-WebSocket-Version": "8" });
  });
});

describe("the response that accepts a client", () => {
  test("has its headers in order, and no others", async () => {
    const { port } = await listen({ perMessageDeflate: true });
    const raw = await RawClient.open(port);
    raw.write(
      handshake("/", {
        "Sec-WebSocket-Protocol": "foo, bar",
        "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
      }),
    );
    await raw.head();
    expect(raw.received.toString()).toBe(
      [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "Sec-WebSocket-Protocol: foo",
        "Sec-WebSocket-Extensions: permessage-deflate",
        "",
        "",
      ].join("\r\n"),
    );
  });
});

describe("'wsClientError'", () => {
  test("receives the refusal, and the stream to answer on", async () => {
    const { port, wss } = await listen();
    wss.on("wsClientError", (error: Error, socket: Duplex, request: IncomingMessage) => {
      expect(Object.getPrototypeOf(error)).toBe(Error.prototype);
      expect(error.message).toBe("Invalid HTTP method");
      expect(request.method).toBe("POST");
      socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    const raw = await RawClient.open(port);
    raw.write(post);
    expect(await raw.all()).toBe("HTTP/1.1 400 Bad Request\r\n\r\n");
  });

  test.each([
    ["verifyClient", { verifyClient: () => false }, "401"],
    ["the path", { path: "/other" }, "400"],
  ] as [string, ServerOptions, string][])("is not called for %s", async (_, options, status) => {
    const { port, wss } = await listen(options);
    wss.on("wsClientError", () => expect.unreachable());
    const raw = await RawClient.open(port);
    raw.write(handshake());
    expect(await raw.all()).toContain(`HTTP/1.1 ${status} `);
  });
});

describe("verifyClient", () => {
  const later = (...given: Parameters<Verified>) => ({
    verifyClient: (_info: ClientInfo, done: Verified) => void setImmediate(() => done(...given)),
  });

  test("receives the origin, the request, and that the connection is not secure", async () => {
    const seen: ClientInfo[] = [];
    const verifyClient = (info: ClientInfo): boolean => {
      seen.push(info);
      return true;
    };
    const { url } = await listen({ verifyClient });
    await next(connect(`${url}/x`, { origin: "https://example.com" }), "open");
    await next(connect(`${url}/x`, { origin: "https://old.example", protocolVersion: 8 }), "open");
    await next(connect(`${url}/x`), "open");
    expect(seen).toMatchObject([
      { origin: "https://example.com", secure: false, req: { url: "/x" } },
      { origin: "https://old.example" },
      { origin: undefined },
    ]);
  });

  test("with two parameters decides asynchronously", async () => {
    const { url } = await listen(later(true));
    await next(connect(url), "open");
  });

  const refusals: [string, Parameters<Verified>, string][] = [
    ["nothing more", [false], refusal("401 Unauthorized", "Unauthorized")],
    ["a status", [false, 404], refusal("404 Not Found", "Not Found")],
    ["a body", [false, 403, "go äway"], refusal("403 Forbidden", "go äway")],
    [
      "an empty body",
      [false, 503, "", { "Retry-After": 120 }],
      refusal("503 Service Unavailable", "Service Unavailable", ["Retry-After: 120"]),
    ],
    [
      "a header that replaces a default one",
      [false, 400, "{}", { "Content-Type": "application/json" }],
      refusal(BAD, "{}").replace("text/html", "application/json"),
    ],
  ];
  test.each(refusals)("may refuse with %s", async (_, given, answer) => {
    const seen = await answerTo(handshake(), later(...given));
    expect(seen).toEqual({ answer: Buffer.from(answer).toString("latin1"), connections: 0 });
  });

  test("may accept a client that has gone: there is no connection", async () => {
    let say: Verified | undefined;
    const { port, wss } = await listen({
      verifyClient: (_info: ClientInfo, done: Verified) => {
        say = done;
      },
    });
    wss.on("connection", () => expect.unreachable());
    const upgrade = next(wss._server!, "upgrade");
    const raw = await RawClient.open(port);
    raw.write(handshake());
    const [, socket] = (await upgrade) as [unknown, Duplex];
    raw.socket.end();
    await next(socket, "end");
    say!(true);
    await raw.ended();
    expect(socket.destroyed).toBe(true);
  });
});

describe("handleProtocols", () => {
  test("chooses among the client's subprotocols", async () => {
    const { url } = await listen({
      handleProtocols: (protocols, request) => {
        expect(request.url).toBe("/x");
        return [...protocols].at(-1);
      },
    });
    const client = connect(`${url}/x`, ["foo", "bar"]);
    await next(client, "open");
    expect(client.protocol).toBe("bar");
  });

  test("may choose none, and is not called if the client offers none", async () => {
    let asked = 0;
    const { port, wss } = await listen({
      handleProtocols: () => {
        asked += 1;
        return false;
      },
    });
    const connection = next(wss, "connection");
    await RawClient.upgrade(port);
    await connection;
    expect(asked).toBe(0);
    const again = next(wss, "connection");
    const raw = await RawClient.upgrade(port, "/", { "Sec-WebSocket-Protocol": "foo" });
    expect(await raw.head()).not.toContain("Sec-WebSocket-Protocol");
    expect(((await again)[0] as { protocol: string }).protocol).toBe("");
    expect(asked).toBe(1);
  });

  test("is not limited to the client's offer", async () => {
    const { port } = await listen({ handleProtocols: () => "other" });
    const raw = await RawClient.upgrade(port, "/", { "Sec-WebSocket-Protocol": "foo" });
    expect(await raw.head()).toContain("Sec-WebSocket-Protocol: other\r\n".trimEnd());
  });
});
