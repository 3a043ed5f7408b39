import { connect as connectTls } from "node:tls";
import type { Duplex } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import { HandshakeRefusal } from "../../src/server/index.ts";
import { Random } from "../rigs/random.ts";
import { handshake } from "../rigs/sockets/raw-client.ts";
import { openSession, RawStream } from "../rigs/sockets/http2-session.ts";
import { echo, runServer, type RunningServer } from "../rigs/sockets/run-server.ts";
import { afterReports, strayErrors } from "../rigs/measuring/stray-errors.ts";
import {
  CONNECT,
  openSocket,
  readToEnd,
  runOver,
  transports,
  WirePeer,
} from "../rigs/sockets/wire-peer.ts";

const ROUNDS = 25;
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

function anyBytes(random: Random): Buffer {
  return Buffer.from(Array.from({ length: random.integer(1, 600) }, () => random.integer(0, 255)));
}

/** Returns octets that resemble HTTP/2 frames, so that its parser reads more than their headers. */
function anyHttp2Frames(random: Random): Buffer {
  const frames = Array.from({ length: random.integer(1, 8) }, () => {
    const payload = anyBytes(random).subarray(0, random.integer(0, 60));
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head[3] = random.integer(0, 10);
    head[4] = random.integer(0, 255);
    head.writeUInt32BE(random.pick([0, 1, 3, 2, random.integer(0, 2 ** 31)]), 5);
    return Buffer.concat([head, payload]);
  });
  return Buffer.concat(frames);
}

async function openHttp2Socket(port: number): Promise<Duplex> {
  const to = { port, host: "127.0.0.1", rejectUnauthorized: false };
  const socket = connectTls({ ...to, ALPNProtocols: ["h2"] });
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  await new Promise((resolve) => socket.once("secureConnect", resolve));
  return socket;
}

/** The stages of a connection at which the bytes arrive, and how to reach them. */
const states: [string, (running: RunningServer) => Promise<Duplex>, (random: Random) => Buffer][] =
  [
    ["a plain port", ({ port }) => openSocket(port, "TCP"), anyBytes],
    ["HTTP/1.1 over TLS", ({ port }) => openSocket(port, "TLS"), anyBytes],
    [
      "the middle of a header",
      async ({ port }) => {
        const socket = await openSocket(port, "TLS");
        socket.write(handshake().slice(0, -2));
        return socket;
      },
      anyBytes,
    ],
    [
      "directly after a handshake",
      async ({ port }) => {
        const socket = await openSocket(port, "TLS");
        socket.write(handshake());
        return socket;
      },
      anyBytes,
    ],
    ["HTTP/2 from its first octet", ({ port }) => openHttp2Socket(port), anyBytes],
    [
      "HTTP/2 after its preface",
      async ({ port }) => {
        const socket = await openHttp2Socket(port);
        socket.write(PREFACE);
        return socket;
      },
      anyHttp2Frames,
    ],
    [
      "an open WebSocket over TLS",
      async (running) => (await WirePeer.open("TLS", running)).stream,
      anyBytes,
    ],
    [
      "an open WebSocket over HTTP/2",
      async (running) => (await WirePeer.open("HTTP/2", running)).stream,
      anyBytes,
    ],
  ];

test.each(states)("any bytes at %s end at most that connection", async (_, open, bytes) => {
  const errors = strayErrors();
  const running = await runOver("TLS", echo, { handshakeTimeoutMs: 2_000 });
  const random = new Random(1);
  for (let round = 0; round < ROUNDS; round += 1) {
    const stream = await open(running);
    const over = readToEnd(stream);
    // Cut at any position, and in every second round without an end.
    for (let writes = random.integer(1, 3); writes > 0 && stream.writable; writes -= 1) {
      stream.write(bytes(random));
    }
    if (random.chance(0.5)) stream.end();
    else stream.destroy();
    if (stream.destroyed) await over;
  }
  for (const transport of transports.slice(1)) await WirePeer.open(transport, running);
  await afterReports();
  expect(errors).toEqual([]);
});

test("any bytes on a port that expects TLS end at most that connection", async () => {
  const errors = strayErrors();
  const running = await runOver("TLS", echo);
  const random = new Random(2);
  for (let round = 0; round < ROUNDS; round += 1) {
    const socket = await openSocket(running.port, "TCP");
    socket.end(anyBytes(random));
    await readToEnd(socket);
  }
  await WirePeer.open("TLS", running);
  await afterReports();
  expect(errors).toEqual([]);
});

describe("an HTTP/2 stream that is reset while authorize decides", () => {
  const answers: [string, () => unknown][] = [
    ["accepts", () => undefined],
    ["refuses", () => new HandshakeRefusal(401)],
    ["fails", () => Promise.reject(new Error("bug"))],
  ];
  // 0 is NO_ERROR, 8 is CANCEL. (RFC 9113 §7)
  const codes = [0, 8];

  test.each(answers)("does no harm when it %s, whatever was unread", async (_, answer) => {
    const errors = strayErrors();
    const decide: (() => void)[] = [];
    const { httpUrl, server } = await runOver("HTTP/2", {
      authorize: async () => {
        await new Promise<void>((resolve) => decide.push(resolve));
        return answer();
      },
      onError: () => {},
    });
    const session = await openSession(httpUrl);
    for (const code of codes) {
      for (const unread of [0, 10, 30_000]) {
        const stream = session.request({ ...CONNECT }, { endStream: false });
        stream.on("error", () => {});
        stream.write(Buffer.alloc(unread));
        while (decide.length === 0) await new Promise((resolve) => setImmediate(resolve));
        const isReset = new Promise((resolve) => stream.once("close", resolve));
        stream.close(code);
        await isReset;
        // The server has processed the reset once it answers a later ping.
        await new Promise<void>((resolve) => session.ping(() => resolve()));
        decide.pop()!();
        await afterReports();
      }
    }
    expect(server.peers.size).toBe(0);
    expect(errors).toEqual([]);
  });

  test("does no harm if the application has already answered it", async () => {
    const errors = strayErrors();
    const { httpUrl, server } = await runOver("HTTP/2", {
      authorize: ({ incoming }) => {
        if ("respond" in incoming) incoming.respond({ ":status": 204 }, { endStream: true });
      },
      onError: () => {},
    });
    const stream = new RawStream(await openSession(httpUrl));
    expect(await stream.status()).toBe(204);
    await stream.until(() => stream.isClosed);
    await afterReports();
    expect(server.peers.size).toBe(0);
    expect(errors).toEqual([]);
  });
});

test("a client that resets its connection at any moment of the handshake does no harm", async () => {
  const errors = strayErrors();
  const running = await runServer({
    ...echo,
    authorize: () => new Promise<void>((resolve) => setImmediate(resolve)),
  });
  const request = handshake();
  for (let cut = 0; cut <= request.length; cut += 9) {
    const socket = await openSocket(running.port);
    socket.write(request.slice(0, cut));
    await new Promise((resolve) => setImmediate(resolve));
    socket.resetAndDestroy();
  }
  await WirePeer.open("TCP", running);
  await afterReports();
  expect(errors).toEqual([]);
});
