import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  checkUpgrade,
  defaultHandshakeLimits,
  Opcode,
  ResponseHeadReader,
  type HeaderFields,
} from "../../src/protocol/index.ts";
import { WebSocketServer, type Endpoint } from "../../src/server/index.ts";
import { maskedFrame, utf8 } from "../rigs/protocol/masked-frame.ts";
import { GOOD_HEADERS, handshake, KEY } from "../rigs/sockets/raw-client.ts";
import { echo, runServer, Witness } from "../rigs/sockets/run-server.ts";
import { growthOf, LINEAR_GROWTH } from "../rigs/measuring/linear-work.ts";
import { afterReports, strayErrors } from "../rigs/measuring/stray-errors.ts";
import {
  openSocket,
  readToEnd,
  runOver,
  WirePeer,
  type Transport,
} from "../rigs/sockets/wire-peer.ts";

/** Whether this version of Node refuses the request with 431 itself. */
async function isTooMuchForNode(request: string): Promise<boolean> {
  const http = createServer();
  http.on("upgrade", (_, socket) => socket.end("HTTP/1.1 204 No Content\r\n\r\n"));
  http.on("request", (_, response) => response.writeHead(204, { Connection: "close" }).end());
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void http.close());
  const { port } = http.address() as AddressInfo;
  return (await answerTo(port, request)).startsWith("HTTP/1.1 431 ");
}

async function answerTo(port: number, request: string, transport?: Transport): Promise<string> {
  const socket = await openSocket(port, transport);
  const answer = readToEnd(socket);
  socket.write(request, "latin1");
  return answer;
}

describe.each<Transport>(["TCP", "TLS"])("more headers than Node keeps, over %s", (transport) => {
  // Node 20 keeps 2,000 headers, so later ones are known to its parser, but not to the
  // application. Later versions answer with 431 themselves, and then so does the server.
  const many = "a:b\r\n".repeat(2_100);
  const START = "GET / HTTP/1.1\r\n";
  const UPGRADE = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
  const KEY_LINE = `Sec-WebSocket-Key: ${KEY}\r\n`;
  const VERSION = "Sec-WebSocket-Version: 13\r\n";
  const OTHERS = `Host: a\r\n${KEY_LINE}${VERSION}`;

  test.each([
    ["Upgrade and Connection", 400, `${START}${OTHERS}${many}${UPGRADE}\r\n`],
    ["the key", 400, `${START}Host: a\r\n${UPGRADE}${VERSION}${many}${KEY_LINE}\r\n`],
    ["the version", 426, `${START}Host: a\r\n${UPGRADE}${KEY_LINE}${many}${VERSION}\r\n`],
    ["all", 400, `${START}${many}${OTHERS}${UPGRADE}\r\n`],
  ])(
    "hiding %s is answered with %i, and nothing throws (CVE-2024-37890)",
    async (_, status, request) => {
      const errors = strayErrors();
      const running = await runOver(transport, echo);
      const expected = (await isTooMuchForNode(request)) ? 431 : status;
      expect(await answerTo(running.port, request, transport)).toMatch(
        new RegExp(`^HTTP/1\\.1 ${expected} `),
      );
      await WirePeer.open(transport, running);
      await afterReports();
      expect(errors).toEqual([]);
    },
  );
});

describe("long header values take linear time (CVE-2021-32640, CVE-2020-7662)", () => {
  const check = (name: string, value: string): void => {
    const others = Object.entries(GOOD_HEADERS);
    const headers: HeaderFields = [...others, [name, value]];
    checkUpgrade({ method: "GET", httpVersion: "1.1", headers });
  };

  test.each<[string, (size: number) => string]>([
    ["spaces", (size) => `a${" ".repeat(size)}b`],
    ["spaces and commas", (size) => " ,".repeat(size / 2)],
    ["tabs at both ends", (size) => `${"\t".repeat(size / 2)}a${"\t".repeat(size / 2)}`],
    ["different tokens", (size) => Array.from({ length: size / 8 }, (_, i) => `t${i}`).join(", ")],
    ["an unclosed quote", (size) => `a; b="${"c".repeat(size)}`],
    ["unclosed quotes", (size) => `a${'; b="'.repeat(size / 5)}`],
    ["backslashes", (size) => `a; b="${"\\".repeat(size)}`],
    ["parameters", (size) => `a${"; b=c".repeat(size / 5)}`],
  ])("of %s, up to a megabyte", (_, make) => {
    // Created once per size, so that only parsing is measured.
    const values = new Map<number, string>();
    const value = (size: number): string => {
      const known = values.get(size) ?? make(size);
      values.set(size, known);
      return known;
    };
    for (const name of ["Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Connection"]) {
      expect(
        growthOf((size) => check(name, value(size))),
        name,
      ).toBeLessThan(LINEAR_GROWTH);
    }
  });

  test("also in a server's response, as a client parses it", () => {
    const growth = growthOf((size) => {
      const limits = { ...defaultHandshakeLimits, maxHeaderBytes: 8 * 1024 * 1024 };
      const reader = new ResponseHeadReader(limits);
      reader.receive(utf8(`HTTP/1.1 101 x\r\nA: ${" ".repeat(size)}b${" ".repeat(size)}\r\n\r\n`));
    });
    expect(growth).toBeLessThan(LINEAR_GROWTH);
  });

  test("over a socket, a megabyte of them is refused, and the next handshake is accepted", async () => {
    const running = await runServer(echo, { maxHeaderBytes: 4 * 1024 * 1024 });
    const spaces = " ".repeat(1024 * 1024);
    for (const value of [`a${spaces}b`, `a; b="${spaces}`]) {
      for (const name of ["Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"]) {
        expect(await answerTo(running.port, handshake("/", { [name]: value }))).toMatch(
          /^HTTP\/1\.1 400 /,
        );
      }
    }
    await WirePeer.open("TCP", running);
  });
});

describe("names of prototypes", () => {
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"];

  test.each<Transport>(["TCP", "TLS", "HTTP/2"])(
    "as extensions, parameters, subprotocols, headers and queries are ordinary names, over %s",
    async (transport) => {
      const seen: unknown[] = [];
      const endpoint: Endpoint = {
        ...echo,
        onOpen: (peer, request) => {
          seen.push(peer.protocol, request.protocols, request.header("__proto__"));
          seen.push(request.query.get("__proto__"), request.header("constructor"));
        },
      };
      const running = await runOver(transport, endpoint);
      const offer = names.map((name) => `permessage-deflate; ${name}=1; ${name}, ${name}`);
      const peer = await WirePeer.open(transport, running, {
        "sec-websocket-extensions": offer.join(", "),
        "sec-websocket-protocol": names.join(", "),
      });
      peer.write(maskedFrame({ opcode: Opcode.Text, payload: utf8("hi") }));
      expect((await peer.framesWhen(1)).map(({ payload }) => [...payload])).toEqual([[104, 105]]);
      expect(seen).toEqual(["", names, undefined, null, undefined]);
      expect(({} as Record<string, unknown>)["1"]).toBeUndefined();
    },
  );

  test("an endpoint with such a path or subprotocol does not affect others", async () => {
    const running = await runServer({ ...echo, path: "/__proto__", protocols: ["constructor"] });
    const request = handshake("/__proto__", { "Sec-WebSocket-Protocol": "toString, constructor" });
    const socket = await openSocket(running.port);
    socket.write(request);
    const head = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
    expect(head.toString()).toContain("Sec-WebSocket-Protocol: constructor\r\n");
    expect(await answerTo(running.port, handshake("/constructor"))).toMatch(/^HTTP\/1\.1 404 /);
  });
});

describe("forms of request smuggling on the upgrade path", () => {
  const inner = "GET /inner HTTP/1.1\r\nHost: inner\r\n\r\n";
  const length = String(inner.length);

  /** Starts a server that counts the plain requests it receives. */
  async function runCounting(transport: Transport): Promise<{ port: number; paths: string[] }> {
    const paths: string[] = [];
    const { port } = await runOver(transport, {
      ...echo,
      onRequest: (exchange) => {
        paths.push(exchange.path);
        exchange.answer(200, {}, "plain");
      },
    });
    return { port, paths };
  }

  describe.each<Transport>(["TCP", "TLS"])("over %s", (transport) => {
    test.each([
      ["a body", handshake("/", { "Content-Length": length }) + inner],
      ["a chunked body", handshake("/", { "Transfer-Encoding": "chunked" }) + `0\r\n\r\n${inner}`],
      ["two lengths", handshake("/", { "Content-Length": "0", "content-length": length }) + inner],
      [
        "a length and a transfer coding",
        handshake("/", { "Content-Length": length, "Transfer-Encoding": "chunked" }) + inner,
      ],
      ["a length with a sign", handshake("/", { "Content-Length": "+0" }) + inner],
      ["a length of 00", handshake("/", { "Content-Length": "00" }) + inner],
      ["an unknown transfer coding", handshake("/", { "Transfer-Encoding": "cow" }) + inner],
      [
        "a transfer coding in two parts",
        handshake("/", { "Transfer-Encoding": "x, chunked" }) + inner,
      ],
      ["a space before the colon", handshake("/", { "Content-Length ": length }) + inner],
      ["a folded line", handshake("/", { "X-A": "b\r\n Content-Length: 5" }) + inner],
      ["a bare LF", handshake("/", { "X-A": "b\nContent-Length: 5" }) + inner],
      ["a bare CR", handshake("/", { "X-A": "b\rContent-Length: 5" }) + inner],
      ["a NUL", handshake("/", { "X-A": "b\0c" }) + inner],
      ["two hosts", handshake("/", { host: "other" }) + inner],
      ["no host", handshake("/", { Host: undefined }) + inner],
      ["a refusal", handshake("/", { "Sec-WebSocket-Version": "12" }) + inner],
    ])("%s: one refusal, and the bytes behind it are not a request", async (_, request) => {
      const { port, paths } = await runCounting(transport);
      const answer = await answerTo(port, request, transport);
      expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
      expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
      expect(paths).toEqual([]);
    });

    test("bytes after a valid handshake are parsed as frames, so a request there fails the connection", async () => {
      const { port, paths } = await runCounting(transport);
      const answer = await answerTo(port, handshake() + inner, transport);
      expect(answer).toMatch(/^HTTP\/1\.1 101 /);
      expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
      // Close, 1002: "G" has reserved bits.
      expect(answer.endsWith("\x88\x02\x03\xea")).toBe(true);
      expect(paths).toEqual([]);
    });

    test("a handshake after a plain request is answered second", async () => {
      const { port, paths } = await runCounting(transport);
      const socket = await openSocket(port, transport);
      const answer = readToEnd(socket);
      const close = Buffer.from(maskedFrame({ opcode: Opcode.Close })).toString("latin1");
      socket.write(`GET /plain HTTP/1.1\r\nHost: a\r\n\r\n${handshake()}${close}`, "latin1");
      expect(await answer).toMatch(/^HTTP\/1\.1 200 [^]*plainHTTP\/1\.1 101 /);
      expect(paths).toEqual(["/plain"]);
    });
  });

  test.each<[string, Transport]>([
    ["1.1", "TCP"],
    ["1.1", "TLS"],
    ["2.0", "TCP"],
    ["2.0", "TLS"],
  ])(
    "a CONNECT with HTTP/%s over %s does not open a tunnel, and is closed",
    async (version, transport) => {
      const { port, paths } = await runCounting(transport);
      const request = `CONNECT a:1 HTTP/${version}\r\nHost: a:1\r\n\r\n${inner}`;
      expect(await answerTo(port, request, transport)).toBe("");
      expect(paths).toEqual([]);
    },
  );

  test("a refused handshake does not leave bytes to the routes of an existing server", async () => {
    const paths: unknown[] = [];
    const http = createServer((request, response) => {
      paths.push(request.url);
      response.end();
    });
    new WebSocketServer({ ...echo, path: "/ws" }).attach(http);
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void http.close());
    const { port } = http.address() as AddressInfo;
    for (const request of [
      handshake("/elsewhere") + inner,
      handshake("/ws", { "Content-Length": length }) + inner,
    ]) {
      const answer = await answerTo(port, request);
      expect(answer.match(/HTTP\/1\.1 4\d\d /g)).toHaveLength(1);
    }
    expect(paths).toEqual([]);
  });
});

describe.each<Transport>(["TCP", "TLS"])(
  "bytes directly after the request, over %s",
  (transport) => {
    test("are the first frames, even while authorize is pending", async () => {
      const witness = new Witness();
      const deciding: (() => void)[] = [];
      const endpoint = Object.assign(witness, {
        authorize: () => new Promise<void>((resolve) => deciding.push(resolve)),
      });
      const { port } = await runOver(transport, endpoint);
      const socket = await openSocket(port, transport);
      const frames = ["one", "two"].map((text) =>
        maskedFrame({ opcode: Opcode.Text, payload: utf8(text) }),
      );
      const third = maskedFrame({ opcode: Opcode.Text, payload: utf8("x".repeat(200_000)) });
      socket.write(Buffer.concat([Buffer.from(handshake()), ...frames, third.subarray(0, 9)]));
      socket.write(third.subarray(9));
      while (deciding.length === 0) await new Promise((resolve) => setImmediate(resolve));
      deciding[0]!();
      await witness.until(() => witness.messages.length === 3);
      expect(witness.messages.slice(0, 2)).toEqual(["one", "two"]);
      expect(witness.messages[2]).toHaveLength(200_000);
    });
  },
);
