import { connect as connectHttp2, type ClientHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { describe, expect, onTestFinished, test } from "vitest";
import { GOOD_HEADERS } from "../rigs/sockets/raw-client.ts";
import { echo, type RunningServer } from "../rigs/sockets/run-server.ts";
import {
  CONNECT,
  openSocket,
  readToEnd,
  runOver,
  WirePeer,
  type Transport,
} from "../rigs/sockets/wire-peer.ts";

const handshakeTimeoutMs = 300;
const HALF = `GET / HTTP/1.1\r\nHost: ${GOOD_HEADERS["Host"]}\r\nUpgrade: websocket\r\n`;
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const EMPTY_SETTINGS = Buffer.from("000000040000000000", "hex");

function runImpatient(transport: Transport): Promise<RunningServer> {
  return runOver(transport, echo, { handshakeTimeoutMs });
}

/** Writes `next` repeatedly, often enough that no idle timer fires. */
function drip(socket: Socket, next: () => string | Uint8Array): void {
  const dripping = setInterval(() => {
    if (socket.writable) socket.write(next());
  }, 20);
  onTestFinished(() => clearInterval(dripping));
}

describe.each<Transport>(["TCP", "TLS"])("handshakeTimeoutMs over %s", (transport) => {
  test("closes silent connections and incomplete requests, however slowly they are sent (CVE-2023-43669)", async () => {
    const { port } = await runImpatient(transport);
    const open = (): Promise<Socket> => openSocket(port, transport);
    const [silent, half, lines, octets] = await Promise.all([open(), open(), open(), open()]);
    half.write(HALF);
    lines.write(HALF);
    let count = 0;
    drip(lines, () => `X-${(count += 1)}: y\r\n`);
    drip(octets, () => "G");
    const answers = await Promise.all([silent, half, lines, octets].map(readToEnd));
    expect(answers[1]).toMatch(/^HTTP\/1\.1 408 /);
    expect(answers[2]).toMatch(/^HTTP\/1\.1 408 /);
    expect(answers[3]).toMatch(/^HTTP\/1\.1 40[08] |^$/);
  });

  test("does not close a connection after its handshake", async () => {
    const running = await runImpatient(transport);
    const peer = await WirePeer.open(transport, running);
    // The server checks once a second, so a silent connection is closed in the same check.
    await readToEnd(await openSocket(running.port, transport));
    expect(peer.isClosed).toBe(false);
  });
});

describe("handshakeTimeoutMs in TLS", () => {
  test("closes a connection that never starts its TLS handshake", async () => {
    const { port } = await runImpatient("TLS");
    expect(await readToEnd(await openSocket(port, "TCP"))).toBe("");
  });

  test("closes a connection that stops in the middle of it", async () => {
    const { port } = await runImpatient("TLS");
    const socket = await openSocket(port, "TCP");
    // A ClientHello record that announces 512 octets, of which only a few follow.
    socket.write(Buffer.from("1603010200010001fc0303", "hex"));
    drip(socket, () => Uint8Array.of(0));
    await readToEnd(socket);
  });
});

describe("an HTTP/2 connection that opens no stream", () => {
  function openQuiet(httpUrl: string): ClientHttp2Session {
    const session = connectHttp2(httpUrl, { rejectUnauthorized: false });
    session.on("error", () => {});
    onTestFinished(() => session.destroy());
    return session;
  }

  test("is closed after handshakeTimeoutMs", async () => {
    const { httpUrl } = await runImpatient("HTTP/2");
    const session = openQuiet(httpUrl);
    await new Promise((resolve) => session.once("close", resolve));
  });

  test("is closed even if it sends pings", async () => {
    const { httpUrl } = await runImpatient("HTTP/2");
    const session = openQuiet(httpUrl);
    const pinging = setInterval(() => {
      if (!session.destroyed && !session.closed) session.ping(() => {});
    }, 20);
    onTestFinished(() => clearInterval(pinging));
    await new Promise((resolve) => session.once("close", resolve));
  });

  async function openHttp2Socket(port: number): Promise<Socket> {
    const to = { port, host: "127.0.0.1", rejectUnauthorized: false };
    const socket = connectTls({ ...to, ALPNProtocols: ["h2"] });
    socket.on("error", () => {});
    onTestFinished(() => void socket.destroy());
    await new Promise((resolve) => socket.once("secureConnect", resolve));
    return socket;
  }

  test("is closed if it is silent after the TLS handshake that chose h2", async () => {
    const { port } = await runImpatient("HTTP/2");
    await readToEnd(await openHttp2Socket(port));
  });

  test("is closed even if it sends settings repeatedly", async () => {
    const { port } = await runImpatient("HTTP/2");
    const socket = await openHttp2Socket(port);
    socket.write(PREFACE);
    drip(socket, () => EMPTY_SETTINGS);
    await readToEnd(socket);
  });

  test("is closed even if its first header never ends", async () => {
    const { port } = await runImpatient("HTTP/2");
    const socket = await openHttp2Socket(port);
    socket.write(PREFACE);
    socket.write(EMPTY_SETTINGS);
    // HEADERS of stream 1, one indexed field, without END_HEADERS.
    socket.write(Buffer.from("00000101000000000182", "hex"));
    await readToEnd(socket);
  });

  test("stays while it has an open WebSocket, however quiet", async () => {
    const running = await runImpatient("HTTP/2");
    const peer = await WirePeer.open("HTTP/2", running);
    const quiet = openQuiet(running.httpUrl);
    await new Promise((resolve) => quiet.once("close", resolve));
    const later = openQuiet(running.httpUrl);
    await new Promise((resolve) => later.once("close", resolve));
    expect(peer.isClosed).toBe(false);
  });

  test("is closed after its last WebSocket has closed", async () => {
    const running = await runImpatient("HTTP/2");
    const session = openQuiet(running.httpUrl);
    const stream = session.request(CONNECT, { endStream: false });
    await new Promise((resolve) => stream.once("response", resolve));
    stream.close();
    await new Promise((resolve) => session.once("close", resolve));
  });
});
