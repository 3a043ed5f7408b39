import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { Opcode } from "../../../src/protocol/index.ts";
import {
  HandshakeRefusal,
  type Endpoint,
  type Peer,
  type WebSocketServerOptions,
} from "../../../src/server/index.ts";
import { afterReports, strayErrors } from "../../rigs/measuring/stray-errors.ts";
import { maskedFrame, utf8 } from "../../rigs/protocol/masked-frame.ts";
import { handshake, RawClient } from "../../rigs/sockets/raw-client.ts";
import { VirtualClock } from "../../rigs/clock/virtual-clock.ts";
import { echo, runServer, Witness, type RunningServer } from "../../rigs/sockets/run-server.ts";

// These tests compare both ways of accepting, even if the environment turns internals off.
vi.mock(import("../../../src/node/internals/allowed.ts"), () => ({
  areInternalsAllowed: () => true,
}));

const text = (content: string): Uint8Array =>
  maskedFrame({ opcode: Opcode.Text, payload: utf8(content) });

const textsOf = (client: RawClient): string[] =>
  client.frames.map(({ payload }) => Buffer.from(payload).toString());

async function until(isMet: () => boolean): Promise<void> {
  // oxlint-disable-next-line eslint/no-await-in-loop
  while (!isMet()) await new Promise((resolve) => setImmediate(resolve));
}

/** A decision that the test makes later. */
class Decision {
  readonly #asked: ((answer: unknown) => void)[] = [];

  readonly authorize = (): Promise<unknown> => new Promise((resolve) => this.#asked.push(resolve));

  async asked(): Promise<void> {
    await until(() => this.#asked.length > 0);
  }

  decide(answer?: unknown): void {
    this.#asked.shift()!(answer);
  }
}

async function answerTo(
  request: string,
  endpoint: Endpoint,
  options: WebSocketServerOptions,
): Promise<string> {
  const { port } = await runServer(endpoint, options);
  const client = await RawClient.open(port);
  client.write(request);
  return client.all();
}

const positions = [
  { position: "before Node's parser", nodeInternals: true },
  { position: "behind it", nodeInternals: false },
];

const refusals: [string, string, Endpoint, number, string][] = [
  ["an unknown path", handshake("/other"), { path: "/chat" }, 404, "not_found"],
  ["no version", handshake("/", { "Sec-WebSocket-Version": undefined }), {}, 426, ""],
  ["a version other than 13", handshake("/", { "Sec-WebSocket-Version": "12" }), {}, 426, ""],
  ["no key", handshake("/", { "Sec-WebSocket-Key": undefined }), {}, 400, ""],
  ["a bad key", handshake("/", { "Sec-WebSocket-Key": "short" }), {}, 400, ""],
  ["a foreign Origin", handshake("/", { Origin: "http://other" }), {}, 403, ""],
  [
    "authorize that refuses synchronously",
    handshake(),
    { authorize: () => new HandshakeRefusal(401, { code: "who", headers: { "X-Why": "y" } }) },
    401,
    "who",
  ],
  [
    "authorize that refuses later",
    handshake(),
    { authorize: () => Promise.resolve(new HandshakeRefusal(402, { code: "later" })) },
    402,
    "later",
  ],
  [
    "authorize that throws a refusal",
    handshake(),
    {
      authorize: () => {
        throw new HandshakeRefusal(403, { code: "thrown" });
      },
    },
    403,
    "thrown",
  ],
  [
    "authorize that throws",
    handshake(),
    {
      authorize: () => {
        throw new Error("bug");
      },
      onError: () => {},
    },
    500,
    "internal",
  ],
  [
    "authorize that rejects",
    handshake(),
    { authorize: () => Promise.reject(new Error("bug")), onError: () => {} },
    500,
    "internal",
  ],
];

describe("a refusal is the same with direct accept and with Node's parser:", () => {
  test.each(refusals)("%s", async (_, request, endpoint, status, code) => {
    const direct = await answerTo(request, endpoint, { nodeInternals: true });
    expect(direct.startsWith(`HTTP/1.1 ${status} `)).toBe(true);
    expect(JSON.parse(direct.split("\r\n\r\n")[1]!)).toMatchObject(
      code === "" ? { message: expect.any(String) } : { code },
    );
    expect(await answerTo(request, endpoint, { nodeInternals: false })).toBe(direct);
  });

  test("a client is answered with 503 if authorize does not decide in time", async () => {
    const answers: string[] = [];
    for (const { nodeInternals } of positions) {
      const clock = new VirtualClock();
      const decision = new Decision();
      // oxlint-disable-next-line eslint/no-await-in-loop
      const { port, server } = await runServer(decision, {
        clock,
        nodeInternals,
        handshakeTimeoutMs: 5_000,
      });
      // oxlint-disable-next-line eslint/no-await-in-loop
      const client = await RawClient.open(port);
      client.write(handshake());
      // oxlint-disable-next-line eslint/no-await-in-loop
      await decision.asked();
      clock.advance(4_900);
      expect(client.received).toHaveLength(0);
      clock.advance(200);
      // oxlint-disable-next-line eslint/no-await-in-loop
      answers.push(await client.all());
      decision.decide();
      // oxlint-disable-next-line eslint/no-await-in-loop
      await afterReports();
      expect(server.peers.size).toBe(0);
    }
    expect(answers[0]).toMatch(/^HTTP\/1\.1 503 [^]*"authorize_timeout"/);
    expect(answers[1]).toBe(answers[0]);
  });

  test("if Node's parser does not see an upgrade because of a tab, the request is answered, not left open", async () => {
    const plain = createServer((_, response) => response.end());
    plain.on("upgrade", (_, socket) => socket.end("HTTP/1.1 101 x\r\n\r\n"));
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      plain.close();
      plain.closeAllConnections();
    });
    const headOf = async (port: number, request: string): Promise<string> => {
      const client = await RawClient.open(port);
      client.write(request);
      return client.head();
    };
    for (const value of ["Upgrade\t", "keep-alive, Upgrade \t", "\tUpgrade"]) {
      const request = handshake("/", { Connection: value });
      // oxlint-disable-next-line eslint/no-await-in-loop
      const direct = await headOf((await runServer(echo)).port, request);
      expect(direct).toMatch(/^HTTP\/1\.1 101 /);
      // oxlint-disable-next-line eslint/no-await-in-loop
      const byNode = await headOf((plain.address() as AddressInfo).port, request);
      // oxlint-disable-next-line eslint/no-await-in-loop
      const behind = await headOf((await runServer(echo, { nodeInternals: false })).port, request);
      if (byNode.startsWith("HTTP/1.1 101 ")) expect(behind).toBe(direct);
      else expect(behind).toMatch(/^HTTP\/1\.1 426 [^]*\r\nUpgrade: websocket\r\n/);
    }
  });

  test("an acceptance is the same with direct accept and with Node's parser", async () => {
    const accepted = async (nodeInternals: boolean): Promise<string> => {
      const { port } = await runServer({ ...echo, protocols: ["b", "a"] }, { nodeInternals });
      const client = await RawClient.open(port);
      client.write(
        handshake("/", {
          "Sec-WebSocket-Protocol": "a, b",
          "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
        }),
      );
      return client.head();
    };
    const direct = await accepted(true);
    expect(direct).toMatch(/^HTTP\/1\.1 101 [^]*Sec-WebSocket-Protocol: a/i);
    expect(await accepted(false)).toBe(direct);
  });
});

describe.each(positions)("a server that accepts handshakes $position", ({ nodeInternals }) => {
  const run = (endpoint: Endpoint, options: WebSocketServerOptions = {}): Promise<RunningServer> =>
    runServer(endpoint, { nodeInternals, ...options });

  test("answers a GET without an upgrade with 426, and keeps the connection", async () => {
    const { port } = await run(echo);
    const client = await RawClient.open(port);
    client.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    expect(await client.head()).toMatch(/^HTTP\/1\.1 426 /);
    expect(client.hasEnded).toBe(false);
  });

  test("answers several requests on a connection, and then its handshake", async () => {
    const paths: string[] = [];
    const { port } = await run({
      ...echo,
      onRequest: (exchange) => {
        paths.push(exchange.path);
        exchange.answer(200, {}, `answer ${paths.length}`);
      },
    });
    const client = await RawClient.open(port);
    const request = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
    client.write(request("/a"));
    await until(() => client.received.includes("answer 1"));
    client.write(request("/b"));
    await until(() => client.received.includes("answer 2"));
    client.write(handshake("/c"));
    await until(() => client.received.includes("HTTP/1.1 101 "));
    expect(paths).toEqual(["/a", "/b"]);
  });

  test("accepts a head in two chunks, wherever it is cut", async () => {
    const { port } = await run(echo);
    const request = handshake();
    for (const cut of [1, 20, request.length - 3, request.length - 1]) {
      // oxlint-disable-next-line eslint/no-await-in-loop
      const client = await RawClient.open(port);
      client.socket.setNoDelay(true);
      client.write(request.slice(0, cut));
      // oxlint-disable-next-line eslint/no-await-in-loop
      await afterReports();
      client.write(request.slice(cut));
      // oxlint-disable-next-line eslint/no-await-in-loop
      expect(await client.head()).toMatch(/^HTTP\/1\.1 101 /);
      client.write(text("after"));
      // oxlint-disable-next-line eslint/no-await-in-loop
      await client.framesWhen(1);
      expect(textsOf(client)).toEqual(["after"]);
    }
  });

  test("reads frames that arrived in one packet with the head, and later frames", async () => {
    const { port } = await run(echo);
    const client = await RawClient.open(port);
    client.write(Buffer.concat([Buffer.from(handshake()), text("one"), text("two").slice(0, 5)]));
    await client.framesWhen(1);
    client.write(Buffer.concat([text("two").slice(5), text("three")]));
    await client.framesWhen(3);
    expect(textsOf(client)).toEqual(["one", "two", "three"]);
  });

  test("delivers frames that arrived while authorize decided, after onOpen and in order", async () => {
    const decision = new Decision();
    const seen: unknown[] = [];
    const { port } = await run({
      authorize: decision.authorize,
      onOpen: (peer) => void seen.push(["open", peer.data]),
      onMessage: (_, message) => void seen.push(message),
    });
    const client = await RawClient.open(port);
    client.write(Buffer.concat([Buffer.from(handshake()), text("1")]));
    await decision.asked();
    for (const content of ["2", "3", "4"]) {
      client.write(text(content));
      // oxlint-disable-next-line eslint/no-await-in-loop
      await afterReports();
    }
    expect(seen).toEqual([]);
    decision.decide("data");
    await until(() => seen.length === 5);
    expect(seen).toEqual([["open", "data"], "1", "2", "3", "4"]);
  });

  test("does not create a peer for a client that reset its connection while authorize decided", async () => {
    const errors = strayErrors();
    const decision = new Decision();
    const witness = new Witness();
    const { port, server } = await run({
      authorize: decision.authorize,
      onOpen: () => witness.onOpen({} as Peer),
    });
    const client = await RawClient.open(port);
    client.write(handshake());
    await decision.asked();
    client.socket.resetAndDestroy();
    await client.ended();
    await afterReports();
    decision.decide();
    await afterReports();
    expect(witness.peer).toBeUndefined();
    expect(server.peers.size).toBe(0);
    await server.close();
    expect(errors).toEqual([]);
  });

  async function keepsNoPeer(unread: Uint8Array): Promise<void> {
    const errors = strayErrors();
    const decision = new Decision();
    const { port, server } = await run({ authorize: decision.authorize });
    const client = await RawClient.open(port);
    client.write(handshake());
    await decision.asked();
    client.write(unread);
    client.socket.destroy();
    await client.ended();
    await afterReports();
    decision.decide();
    for (let turn = 0; turn < 50; turn += 1) {
      // oxlint-disable-next-line eslint/no-await-in-loop
      await afterReports();
    }
    expect(server.peers.size).toBe(0);
    await server.close();
    expect(errors).toEqual([]);
  }

  test("does not keep a peer for a client that ends while authorize decides", async () => {
    await keepsNoPeer(new Uint8Array(0));
  });

  test("does not keep a peer for a client that ends with unread frames", async () => {
    await keepsNoPeer(text("unread"));
  });

  test("provides request.incoming as Node creates it", async () => {
    let shown: object | undefined;
    const { port } = await run({
      authorize: (request) => {
        const incoming = request.incoming as IncomingMessage;
        shown = {
          url: incoming.url,
          method: incoming.method,
          httpVersion: incoming.httpVersion,
          headers: { ...incoming.headers },
          rawHeaders: incoming.rawHeaders,
          distinct: incoming.headersDistinct["x-many"],
          address: incoming.socket.remoteAddress,
          family: incoming.socket.remoteFamily,
          port: incoming.socket.remotePort,
          asked: request.remoteAddress,
        };
      },
    });
    const client = await RawClient.open(port);
    const more =
      "Cookie: a=1\r\nX-Many: 1\r\nx-many: 2\r\ncookie: b=2\r\nReferer: one\r\nReferer: two\r\n";
    client.write(handshake("/chat?room=1").replace(/\r\n$/, `${more}\r\n`));
    await client.head();
    expect(shown).toMatchObject({
      url: "/chat?room=1",
      method: "GET",
      httpVersion: "1.1",
      headers: {
        host: "localhost",
        upgrade: "websocket",
        cookie: "a=1; b=2",
        "x-many": "1, 2",
        referer: "one",
      },
      distinct: ["1", "2"],
      address: "127.0.0.1",
      family: "IPv4",
      port: client.socket.localPort,
      asked: "127.0.0.1",
    });
  });

  test("closes silent connections with 408 after handshakeTimeoutMs, but not those that sent something", async () => {
    const { port } = await run(echo, { handshakeTimeoutMs: 200 });
    const open = await RawClient.upgrade(port);
    const silent = await RawClient.open(port);
    expect(await silent.all()).toBe("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n");
    expect(open.hasEnded).toBe(false);
  });

  test("closes silent and undecided connections when it closes", async () => {
    const decision = new Decision();
    const { port, server } = await run({ path: "/slow", authorize: decision.authorize });
    const silent = await RawClient.open(port);
    const undecided = await RawClient.open(port);
    undecided.write(handshake("/slow"));
    await decision.asked();
    await server.close();
    await Promise.all([silent.ended(), undecided.ended()]);
    decision.decide();
    await afterReports();
    expect(server.peers.size).toBe(0);
  });
});

describe("a client that sends nothing before Node's parser", () => {
  test("is closed after handshakeTimeoutMs, each at its own time, with one timer", async () => {
    const clock = new VirtualClock();
    const { port } = await runServer(echo, {
      clock,
      nodeInternals: true,
      handshakeTimeoutMs: 1_000,
    });
    const idle = clock.timerCount;
    const first = await RawClient.open(port);
    await until(() => clock.timerCount > idle);
    const timers = clock.timerCount;
    clock.advance(600);
    const second = await RawClient.open(port);
    const third = await RawClient.open(port);
    await afterReports();
    expect(clock.timerCount).toBe(timers);
    clock.advance(399);
    await afterReports();
    expect(first.hasEnded).toBe(false);
    clock.advance(1);
    expect(await first.all()).toMatch(/^HTTP\/1\.1 408 /);
    expect([second.hasEnded, third.hasEnded]).toEqual([false, false]);
    second.write(handshake());
    expect(await second.head()).toMatch(/^HTTP\/1\.1 101 /);
    clock.advance(600);
    expect(await third.all()).toMatch(/^HTTP\/1\.1 408 /);
    expect(second.hasEnded).toBe(false);
  });

  test("is forgotten when it leaves, so that the server closes immediately", async () => {
    const { port, server } = await runServer(echo, { nodeInternals: true });
    const clients = await Promise.all([RawClient.open(port), RawClient.open(port)]);
    clients[0].socket.destroy();
    clients[1].socket.resetAndDestroy();
    await Promise.all(clients.map((client) => client.ended()));
    await afterReports();
    await server.close();
  });
});
