import { request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { describe, expect, onTestFinished, test } from "vitest";
import { Ledger } from "../../src/base/index.ts";
import { Opcode } from "../../src/protocol/index.ts";
import type { Endpoint, HttpExchange } from "../../src/server/index.ts";
import { maskedFrame } from "../rigs/protocol/masked-frame.ts";
import { RawClient } from "../rigs/sockets/raw-client.ts";
import { VirtualClock } from "../rigs/clock/virtual-clock.ts";
import { testTls } from "../rigs/sockets/http2-session.ts";
import { echo, runServer, Witness } from "../rigs/sockets/run-server.ts";

const MIB = 1024 * 1024;

function closeCodeOf(client: RawClient): number {
  return Buffer.from(client.frames.at(-1)!.payload).readUInt16BE(0);
}

/** An endpoint whose plain requests are held for the test. */
class Exchanges implements Endpoint {
  readonly all: HttpExchange[] = [];
  readonly #waiting: (() => void)[] = [];

  onRequest(exchange: HttpExchange): Promise<void> {
    this.all.push(exchange);
    for (const wake of this.#waiting.splice(0)) wake();
    return Promise.resolve();
  }

  async next(count = 1): Promise<HttpExchange> {
    while (this.all.length < count) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.all[count - 1]!;
  }
}

describe("messages", () => {
  const part = maskedFrame({ opcode: Opcode.Binary, fin: false, payload: new Uint8Array(30_000) });

  test("one that exceeds its endpoint's limit is rejected on its header, and the endpoint may send the reason", async () => {
    const told: string[] = [];
    const { port } = await runServer({
      maxMessageBytes: 1_000,
      onLimit: (peer, error) => {
        told.push(error.code);
        peer.send("too long");
        peer.close(4413);
      },
    });
    const client = await RawClient.upgrade(port);
    // Only the header is sent, and nothing of the message.
    client.write(
      maskedFrame({ opcode: Opcode.Text, payload: new Uint8Array(1_001) }).subarray(0, 8),
    );
    await client.ended();
    expect(told).toEqual(["message_too_big"]);
    expect(client.frames.map(({ opcode }) => opcode)).toEqual([Opcode.Text, Opcode.Close]);
    expect(closeCodeOf(client)).toBe(4413);
  });

  test("one that does not grow by 16 KiB between two keepalive intervals is closed with 1008", async () => {
    const clock = new VirtualClock();
    const witness = new Witness();
    const { port } = await runServer(witness, { clock, keepaliveIntervalMs: 30_000 });
    const client = await RawClient.upgrade(port);
    client.write(part);
    client.write(maskedFrame({ opcode: Opcode.Ping }));
    await client.framesWhen(1);
    await clock.pass(29_000);
    await clock.pass(30_000);
    client.write(
      maskedFrame({ opcode: Opcode.Continuation, fin: false, payload: new Uint8Array(9) }),
    );
    client.write(maskedFrame({ opcode: Opcode.Ping }));
    await client.framesWhen(3);
    await clock.pass(30_000);
    const closure = await witness.closed();
    expect(closure.error).toMatchObject({ code: "message_timeout", closeCode: 1008 });
  });

  test("one that grows slowly but steadily is accepted", async () => {
    const clock = new VirtualClock();
    const { port } = await runServer(echo, { clock, keepaliveIntervalMs: 30_000 });
    const client = await RawClient.upgrade(port);
    client.write(part);
    for (let count = 1; count <= 4; count += 1) {
      client.write(
        maskedFrame({ opcode: Opcode.Continuation, fin: false, payload: new Uint8Array(16_500) }),
      );
      client.write(maskedFrame({ opcode: Opcode.Ping, payload: Uint8Array.of(count) }));
      // Answered after the server has read everything before.
      await client.framesWhen(count * 2 - 1);
      await clock.pass(30_000);
      client.write(maskedFrame({ opcode: Opcode.Pong }));
    }
    expect(client.hasEnded).toBe(false);
  });

  test("the largest connection of an address is closed when a smaller one needs the share, and other addresses are not affected", async () => {
    const ledger = new Ledger({ shareBytes: 140_000 });
    const { port } = await runServer(echo, { ledger, maxMessageBytes: 200_000 });
    const [large, small] = [await RawClient.upgrade(port), await RawClient.upgrade(port)];
    for (let count = 0; count < 4; count += 1) {
      const opcode = count === 0 ? Opcode.Binary : Opcode.Continuation;
      large.write(maskedFrame({ opcode, fin: false, payload: new Uint8Array(30_000) }));
    }
    large.write(maskedFrame({ opcode: Opcode.Ping }));
    await large.framesWhen(1);
    small.write(part);
    await large.ended();
    expect(closeCodeOf(large)).toBe(1013);
    small.write(maskedFrame({ opcode: Opcode.Continuation, payload: new Uint8Array(1) }));
    expect((await small.framesWhen(1))[0]!.payload).toHaveLength(30_001);
  });

  test("everything that a connection held is refunded when it is gone", async () => {
    const ledger = new Ledger();
    const witness = new Witness();
    const { port } = await runServer(witness, { ledger });
    const client = await RawClient.upgrade(port);
    client.write(part);
    client.write(maskedFrame({ opcode: Opcode.Ping }));
    await client.framesWhen(1);
    expect(ledger.heldBytes).toBeGreaterThanOrEqual(30_000);
    client.socket.destroy();
    await witness.closed();
    expect([ledger.heldBytes, [...ledger.payers]]).toEqual([0, []]);
  });
});

describe("output", () => {
  test("unread output is charged to its peer, and refunded once it is read", async () => {
    const ledger = new Ledger();
    const witness = new Witness();
    const { port } = await runServer(witness, { ledger });
    const client = await RawClient.upgrade(port);
    client.socket.pause();
    const peer = await witness.opened();
    for (let count = 0; count < 16; count += 1) peer.send(new Uint8Array(MIB));
    const drained = peer.drained();
    await new Promise((resolve) => setImmediate(resolve));
    expect(peer.account.heldBytes).toBe(peer.bufferedAmount);
    expect(peer.bufferedAmount).toBeGreaterThan(MIB);
    client.socket.resume();
    await drained;
    expect(ledger.heldBytes).toBe(0);
  });

  test("a peer whose share is used up is cut off with too_slow", async () => {
    const ledger = new Ledger({ shareBytes: 4 * MIB });
    const witness = new Witness();
    const { port } = await runServer(witness, { ledger });
    const client = await RawClient.upgrade(port);
    client.socket.pause();
    const peer = await witness.opened();
    while (peer.send(new Uint8Array(MIB))) await new Promise((resolve) => setImmediate(resolve));
    expect((await witness.closed()).error).toMatchObject({ code: "too_slow" });
    expect(ledger.heldBytes).toBe(0);
  });
});

describe("plain requests", () => {
  test("a body whose header announces too much is rejected before it is read", async () => {
    const exchanges = new Exchanges();
    const { port } = await runServer(exchanges);
    const client = await RawClient.open(port);
    client.write("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1001\r\n\r\n");
    const exchange = await exchanges.next();
    await expect(exchange.body(1_000)).rejects.toMatchObject({ code: "too_large" });
  });

  test("an HTTP/2 body that does not arrive in time is abandoned", async () => {
    const clock = new VirtualClock();
    const exchanges = new Exchanges();
    const tls = testTls();
    const { port } = await runServer(exchanges, { clock, listen: { tls } });
    const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    onTestFinished(() => session.destroy());
    const stream = session.request({ ":method": "POST", ":path": "/" });
    stream.on("error", () => {});
    stream.write("begun");
    const exchange = await exchanges.next();
    const body = expect(exchange.body(1_000)).rejects.toMatchObject({ code: "body_timeout" });
    await clock.pass(11_000);
    await body;
  });

  test("unfinished bodies of one address share one limit", async () => {
    const ledger = new Ledger({ shareBytes: 300_000 });
    const exchanges = new Exchanges();
    const { port } = await runServer(exchanges, { ledger });
    const bodies: Promise<string>[] = [];
    for (let count = 1; count <= 3; count += 1) {
      const client = await RawClient.open(port);
      client.write("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000\r\n\r\n");
      client.write(new Uint8Array(80_000));
      const exchange = await exchanges.next(count);
      const body = exchange.body(100_000);
      // Two of them end only with the test.
      body.catch(() => {});
      bodies.push(body);
    }
    await expect(Promise.race(bodies)).rejects.toMatchObject({ code: "over_share" });
  });

  test("requests beyond a payer's share are refused with 429 before the application is called", async () => {
    const ledger = new Ledger({ shareBytes: 20_000 });
    const exchanges = new Exchanges();
    const { port } = await runServer(exchanges, { ledger });
    const client = await RawClient.open(port);
    client.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(3));
    await exchanges.next(2);
    exchanges.all[0]!.answer(200, {}, "first");
    exchanges.all[1]!.answer(200, {}, "second");
    const other = await RawClient.open(port);
    other.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    while (!client.received.includes("429")) {
      await new Promise((resolve) => client.socket.once("data", resolve));
    }
    expect(exchanges.all.length).toBeLessThan(4);
  });

  test("a response that is not read for 30 s is cut off, and its memory is refunded", async () => {
    const clock = new VirtualClock();
    const ledger = new Ledger();
    const exchanges = new Exchanges();
    const { port } = await runServer(exchanges, { clock, ledger });
    const client = await RawClient.open(port);
    client.socket.pause();
    client.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const exchange = await exchanges.next();
    exchange.answer(200, {}, new Uint8Array(16 * MIB));
    await new Promise((resolve) => setImmediate(resolve));
    expect(ledger.heldBytes).toBeGreaterThan(4 * MIB);
    const closed = new Promise((resolve) => exchange.onClosed(() => resolve(undefined)));
    await clock.pass(31_000);
    await closed;
    expect(ledger.heldBytes).toBe(0);
  });
});

describe("payers", () => {
  test("more connections than a payer may have are refused with 429", async () => {
    const ledger = new Ledger({ maxConnectionsPerPayer: 2 });
    const { port } = await runServer(echo, { ledger });
    await RawClient.upgrade(port);
    await RawClient.upgrade(port);
    await expect(RawClient.upgrade(port)).rejects.toThrow("HTTP/1.1 429 ");
  });

  test("clients behind a trusted proxy have their own shares, and those behind other proxies share one", async () => {
    const ledger = new Ledger();
    const { port } = await runServer(echo, { ledger, trustedProxies: ["127.0.0.1"] });
    await RawClient.upgrade(port, "/", { "X-Forwarded-For": "203.0.113.5" });
    await RawClient.upgrade(port, "/", { Forwarded: "for=203.0.113.6" });
    await RawClient.upgrade(port);
    expect([...ledger.payers].map(({ name }) => name)).toEqual([
      "address 203.0.113.5",
      "address 203.0.113.6",
      "address 127.0.0.1",
    ]);
  });

  test("the application receives the client's address from a trusted proxy", async () => {
    const seen: unknown[] = [];
    const { port, httpUrl } = await runServer(
      {
        authorize: ({ clientAddress, remoteAddress }) =>
          void seen.push(clientAddress, remoteAddress),
        onRequest: (exchange) => exchange.answer(200, {}, exchange.clientAddress ?? ""),
      },
      { trustedProxies: ["127.0.0.0/8"] },
    );
    const headers = { "X-Forwarded-For": "203.0.113.5" };
    await RawClient.upgrade(port, "/", headers);
    expect(seen).toEqual(["203.0.113.5", "127.0.0.1"]);
    expect(await (await fetch(httpUrl, { headers })).text()).toBe("203.0.113.5");
  });
});

describe("the Host header", () => {
  function get(port: number, host: string): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const options = { port, host: "127.0.0.1", headers: { Host: host } };
      request(options, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", reject)
        .end();
    });
  }

  const plain: Endpoint = { onRequest: (exchange) => exchange.answer(200, {}, "here") };

  test.each([
    "localhost",
    "LOCALHOST:8080",
    "127.0.0.1:99",
    "127.8.9.1",
    "[::1]:80",
    "x.localhost",
  ])("%s names this machine", async (host) => {
    const { port } = await runServer(plain, { hosts: "loopback" });
    expect(await get(port, host)).toBe(200);
  });

  test.each([
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "10.0.0.1",
    "[::2]",
  ])("%s is refused with 421, over plain HTTP and in a handshake", async (host) => {
    const { port } = await runServer(plain, { hosts: "loopback" });
    expect(await get(port, host)).toBe(421);
    await expect(RawClient.upgrade(port, "/", { Host: host })).rejects.toThrow("HTTP/1.1 421 ");
  });

  test("listed names are accepted, and by default all names", async () => {
    const { port } = await runServer(plain, { hosts: ["live.example"] });
    expect(await get(port, "live.example:8080")).toBe(200);
    expect(await get(port, "evil.example")).toBe(421);
    const open = await runServer(plain);
    expect(await get(open.port, "evil.example")).toBe(200);
  });
});
