import { readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { openWebSocket, WebSocket, type ClientOptions } from "../../../src/client/index.ts";
import { makeCertificate } from "../../rigs/processes/tls-certificate.ts";
import { failureOf } from "./failure-of.ts";
import { headersNamed, HeldServer, type HeldHandshake } from "../../rigs/sockets/held-server.ts";
import { runHttpProxy } from "./http-proxy-server.ts";
import { runSocks5Proxy } from "./socks5-proxy-server.ts";
import { next } from "../../rigs/sockets/watch-socket.ts";

/** A text frame from a server, unmasked: "hi". */
const HI = Uint8Array.of(0x81, 2, 0x68, 0x69);

/** Opens over the proxy and receives a message from the server. */
async function openOver(
  server: HeldServer,
  url: string,
  options: ClientOptions,
): Promise<HeldHandshake> {
  const socket = openWebSocket(url, options);
  const said = next(socket, "message");
  const handshake = await server.next();
  handshake.accept(HI);
  expect((await said).data).toBe("hi");
  return handshake;
}

const withUser = (url: string, userInfo: string): string => url.replace("//", `//${userInfo}@`);

describe("an HTTP proxy (RFC 9110 §9.3.6)", () => {
  test("opens a tunnel, also for ws:, and resolves names itself (RFC 6455 §4.1, item 3)", async () => {
    const [server, proxy] = [await HeldServer.start(), await runHttpProxy()];
    const { request } = await openOver(server, `ws://some.test:${server.port}/path`, {
      proxy: proxy.url,
    });
    const authority = `some.test:${server.port}`;
    expect(proxy.requests).toEqual([`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`]);
    expect(request).toMatch(/^GET \/path HTTP\/1\.1\r\n/);
    expect(headersNamed(request, "Host")).toEqual([authority]);
  });

  test("receives the port even if it is the scheme's default, and IPv6 in brackets", async () => {
    const proxy = await runHttpProxy({ answer: () => "HTTP/1.1 403 No\r\n\r\n" });
    for (const url of ["ws://some.test", "wss://some.test", "ws://[::1]:9"]) {
      await failureOf(openWebSocket(url, { proxy: proxy.url }));
    }
    const asked = proxy.requests.map((request) => request.split(" ")[1]);
    expect(asked).toEqual(["some.test:80", "some.test:443", "[::1]:9"]);
  });

  test("receives the credentials in its URL, and the server does not", async () => {
    const [server, proxy] = [await HeldServer.start(), await runHttpProxy()];
    const { request } = await openOver(server, `ws://a:b@some.test:${server.port}`, {
      proxy: new URL(withUser(proxy.url, "us%40er:s%C3%A9cret")),
    });
    const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;
    expect(headersNamed(proxy.requests[0]!, "Proxy-Authorization")).toEqual([
      basic("us@er:sécret"),
    ]);
    expect(headersNamed(proxy.requests[0]!, "Authorization")).toEqual([]);
    expect(headersNamed(request, "Proxy-Authorization")).toEqual([]);
    expect(headersNamed(request, "Authorization")).toEqual([basic("a:b")]);
  });

  test("receives the application's Proxy-Authorization instead, and the server does not", async () => {
    const [server, proxy] = [await HeldServer.start(), await runHttpProxy()];
    const { request } = await openOver(server, `ws://some.test:${server.port}`, {
      proxy: withUser(proxy.url, "user:secret"),
      headers: { "Proxy-Authorization": "Bearer x" },
    });
    expect(headersNamed(proxy.requests[0]!, "Proxy-Authorization")).toEqual(["Bearer x"]);
    expect(headersNamed(request, "Proxy-Authorization")).toEqual([]);
  });

  test("over TLS, with TLS to the server inside (RFC 9110 §4.2.2)", async () => {
    const [ours, theirs] = [makeCertificate(), makeCertificate()];
    const server = await HeldServer.start(theirs);
    const proxy = await runHttpProxy({ tls: ours });
    const { servername, alpn } = await openOver(server, `wss://some.test:${server.port}`, {
      proxy: proxy.url,
      proxyTls: { ca: readFileSync(ours.cert) },
      tls: { ca: readFileSync(theirs.cert), checkServerIdentity: () => undefined },
    });
    expect({ servername, alpn }).toEqual({ servername: "some.test", alpn: "http/1.1" });
    const distrusted = openWebSocket(`wss://some.test:${server.port}`, { proxy: proxy.url });
    expect(await failureOf(distrusted)).toMatchObject({ code: "proxy_unreachable" });
  });

  test("does not hide that the server at the end of its tunnel has the wrong certificate", async () => {
    const [server, proxy] = [await HeldServer.start(makeCertificate()), await runHttpProxy()];
    const socket = openWebSocket(`wss://127.0.0.1:${server.port}`, { proxy: proxy.url });
    expect(await failureOf(socket)).toMatchObject({ code: "tls_failed" });
  });

  test("tunnels the bytes after its response", async () => {
    const proxy = await runHttpProxy({
      answer: () => "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 418 Teapot\r\n\r\n",
    });
    const failure = await failureOf(openWebSocket("ws://some.test", { proxy: proxy.url }));
    expect(failure).toMatchObject({ code: "handshake_refused", status: 418 });
  });

  test("may send interim responses first (RFC 9110 §15.2)", async () => {
    const proxy = await runHttpProxy({
      answer: () => "HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 200 OK\r\n\r\nHTTP/1.1 418 Teapot\r\n\r\n",
    });
    const failure = await failureOf(openWebSocket("ws://some.test", { proxy: proxy.url }));
    expect(failure).toMatchObject({ code: "handshake_refused", status: 418 });
  });

  test.each([
    ["refuses", "HTTP/1.1 403 Forbidden\r\n\r\n", "proxy_refused", 403],
    ["wants credentials", "HTTP/1.1 407 Who\r\n\r\n", "proxy_authentication_failed", 407],
    ["redirects", "HTTP/1.1 302 X\r\nLocation: http://a.test\r\n\r\n", "proxy_refused", 302],
    ["does not respond with HTTP", "\x05\x00\r\n\r\n", "bad_proxy_answer", undefined],
    ["ends lines incorrectly", "HTTP/1.1 200 OK\n\n", "bad_proxy_answer", undefined],
  ])("that %s causes an error with its name", async (_, answer, code, status) => {
    const proxy = await runHttpProxy({ answer: () => answer });
    const url = withUser(proxy.url, "user:secret");
    const failure = await failureOf(openWebSocket("ws://some.test", { proxy: url }));
    expect(failure).toMatchObject({ code, proxy: proxy.url, status });
    expect(failure.message).toContain(proxy.url);
    expect(failure.message).not.toMatch(/user:|secret/);
    expect(failure.message).not.toContain("\n");
  });

  test("whose response is larger than maxHeaderBytes is rejected", async () => {
    const answer = (): string => `HTTP/1.1 200 OK\r\nX: ${"a".repeat(2000)}\r\n\r\n`;
    const proxy = await runHttpProxy({ answer });
    const options = { proxy: proxy.url, maxHeaderBytes: 1000 };
    const failure = await failureOf(openWebSocket("ws://some.test", options));
    expect(failure).toMatchObject({ code: "bad_proxy_answer" });
    expect(failure.cause).toMatchObject({ code: "header_too_large", limit: 1000 });
  });

  test("that is unreachable, disconnects or stays silent", async () => {
    const gone = await failureOf(
      openWebSocket("ws://some.test", { proxy: "http://user:secret@127.0.0.1:1001" }),
    );
    expect(gone).toMatchObject({ code: "proxy_unreachable", proxy: "http://127.0.0.1:1001" });
    const leaving = createServer((socket) => void socket.once("data", () => socket.end()));
    await new Promise<void>((resolve) => leaving.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void leaving.close());
    const proxy = `http://127.0.0.1:${(leaving.address() as AddressInfo).port}`;
    const left = await failureOf(openWebSocket("ws://some.test", { proxy }));
    expect(left).toMatchObject({ code: "proxy_cut", proxy });
    const silent = await runHttpProxy({ answer: () => "" });
    const options = { proxy: silent.url, handshakeTimeoutMs: 50 };
    const late = await failureOf(openWebSocket("ws://some.test", options));
    expect(late.code).toBe("handshake_timeout");
    expect(late.message).toContain(`while requesting a tunnel from the proxy ${silent.url}`);
    for (const { message } of [gone, left, late]) expect(message).not.toMatch(/user:|secret/);
  });
});

describe("a SOCKS5 proxy (RFC 1928)", () => {
  test("socks5h: the proxy resolves the name", async () => {
    const [server, proxy] = [await HeldServer.start(), await runSocks5Proxy()];
    await openOver(server, `ws://some.test:${server.port}`, { proxy: proxy.url });
    expect(proxy.requests).toEqual(["methods 0", "name some.test"]);
  });

  test("socks5: the client resolves the name", async () => {
    const [server, proxy] = [await HeldServer.start(), await runSocks5Proxy()];
    await openOver(server, `ws://some.test:${server.port}`, {
      proxy: proxy.url.replace("socks5h:", "socks5:"),
      tcp: {
        lookup: (name, _, found) => {
          expect(name).toBe("some.test");
          found(null, [{ address: "127.0.0.7", family: 4 }]);
        },
      },
    });
    expect(proxy.requests).toEqual(["methods 0", "address 127.0.0.7"]);
  });

  test.each([
    ["127.0.0.1", "127.0.0.1"],
    ["[::1]", "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1"],
    ["[2001:db8::ff00:42:8329]", "32.1.13.184.0.0.0.0.0.0.255.0.0.66.131.41"],
    ["[::ffff:1.2.3.4]", "0.0.0.0.0.0.0.0.0.0.255.255.1.2.3.4"],
  ])("an address is sent as such: %s (RFC 1928 §5)", async (host, address) => {
    const [server, proxy] = [await HeldServer.start(), await runSocks5Proxy()];
    await openOver(server, `ws://${host}:${server.port}`, { proxy: proxy.url });
    expect(proxy.requests[1]).toBe(`address ${address}`);
  });

  test("receives user name and password if it requires them (RFC 1929)", async () => {
    const server = await HeldServer.start();
    const user = { username: "üser:1", password: "" };
    const strict = await runSocks5Proxy({ user });
    const url = `ws://some.test:${server.port}`;
    await openOver(server, url, { proxy: withUser(strict.url, "üser%3A1:") });
    expect(strict.requests).toEqual(["methods 0 2", "name some.test"]);
    const open = await runSocks5Proxy();
    await openOver(server, url, { proxy: withUser(open.url, "user:secret") });
  });

  test("wss: inside the tunnel sends the host name", async () => {
    const files = makeCertificate();
    const [server, proxy] = [await HeldServer.start(files), await runSocks5Proxy()];
    const tls = { ca: readFileSync(files.cert), checkServerIdentity: () => undefined };
    const options = { proxy: proxy.url, tls };
    const handshake = await openOver(server, `wss://some.test:${server.port}`, options);
    expect(handshake).toMatchObject({ servername: "some.test", alpn: "http/1.1" });
  });

  test.each([
    ["another version", [[4, 0]], "bad_proxy_answer"],
    ["HTTP", [[...Buffer.from("HTTP/1.1 400 Bad\r\n\r\n")]], "bad_proxy_answer"],
    ["a method that was not offered", [[5, 1]], "bad_proxy_answer"],
    ["no method", [[5, 0xff]], "proxy_authentication_failed"],
    [
      "wrong credentials",
      [
        [5, 2],
        [1, 1],
      ],
      "proxy_authentication_failed",
    ],
    [
      "credentials of another version",
      [
        [5, 2],
        [5, 0],
      ],
      "bad_proxy_answer",
    ],
    [
      "a reply of another version",
      [
        [5, 0],
        [4, 0, 0, 1],
      ],
      "bad_proxy_answer",
    ],
    [
      "an address of unknown type",
      [
        [5, 0],
        [5, 0, 0, 2],
      ],
      "bad_proxy_answer",
    ],
    [
      "a failure",
      [
        [5, 0],
        [5, 1, 0, 1],
      ],
      "proxy_refused",
    ],
    [
      "a refused connection",
      [
        [5, 0],
        [5, 5, 0, 1],
      ],
      "proxy_refused",
    ],
    [
      "an unknown failure",
      [
        [5, 0],
        [5, 99, 0, 1],
      ],
      "proxy_refused",
    ],
  ])("that responds with %s causes an error with its name", async (_, answers, code) => {
    const proxy = await runSocks5Proxy({ answers });
    const url = withUser(proxy.url, "user:secret");
    const failure = await failureOf(openWebSocket("ws://some.test", { proxy: url }));
    expect(failure).toMatchObject({ code, proxy: proxy.url });
    expect(failure.message).toContain(proxy.url);
    expect(failure.message).not.toMatch(/user:|secret/);
  });

  test("the meaning of a reply code is part of the error", async () => {
    const proxy = await runSocks5Proxy({
      answers: [
        [5, 0],
        [5, 2, 0, 1],
      ],
    });
    const failure = await failureOf(openWebSocket("ws://some.test", { proxy: proxy.url }));
    expect(failure.message).toContain("some.test:80: not allowed by its rules (2)");
  });

  test("may respond byte by byte, and bytes after its reply belong to the server", async () => {
    const answers = [[5], [0], [5], [0, 0], [4, ...Buffer.alloc(16), 1]];
    const early = Buffer.from("\x02HTTP/1.1 418 Teapot\r\n\r\n", "latin1");
    const proxy = await byteByByte([...answers.flat(), ...early]);
    const failure = await failureOf(openWebSocket("ws://some.test", { proxy }));
    expect(failure).toMatchObject({ code: "handshake_refused", status: 418 });
  });

  test("a name that is too long for it is rejected", async () => {
    const proxy = await runSocks5Proxy();
    const name = `${"a".repeat(60)}.`.repeat(5);
    const failure = await failureOf(openWebSocket(`ws://${name}test`, { proxy: proxy.url }));
    expect(failure).toMatchObject({ code: "proxy_refused" });
    expect(failure.message).toContain("309 bytes");
  });
});

describe("turns with a proxy (RFC 6455 §4.1, item 2)", () => {
  test("if only the proxy knows the addresses, each name counts as a host", async () => {
    const [server, proxy] = [await HeldServer.start(), await runHttpProxy()];
    const open = (name: string): WebSocket =>
      openWebSocket(`ws://${name}.test:${server.port}/${name}`, { proxy: proxy.url });
    const [one, again, two] = [open("one"), open("one"), open("two")];
    const first = [await server.next(), await server.next()];
    const paths = new Set(first.map(({ request }) => request.split(" ")[1]));
    expect(paths).toEqual(new Set(["/one", "/two"]));
    expect(server.connections).toBe(2);
    for (const handshake of first) handshake.accept();
    await Promise.all([next(one, "open"), next(two, "open")]);
    (await server.next()).accept();
    await next(again, "open");
  });

  test("at most 32 attempts are connecting at the same time", async () => {
    const [server, proxy] = [await HeldServer.start(), await runHttpProxy()];
    const sockets = Array.from({ length: 40 }, (_, index) =>
      openWebSocket(`ws://host-${index}.test:${server.port}`, { proxy: proxy.url }),
    );
    const opened = sockets.map((socket) => next(socket, "open"));
    const first: HeldHandshake[] = [];
    while (first.length < 32) first.push(await server.next());
    expect(server.connections).toBe(32);
    for (const handshake of first) handshake.accept();
    for (let count = 32; count < 40; count += 1) (await server.next()).accept();
    await Promise.all(opened);
  });
});

describe("the environment", () => {
  test("is ignored unless the application asks for it", async () => {
    const [server, proxy] = [await HeldServer.start(), await runHttpProxy()];
    setEnvironment({ http_proxy: proxy.url, ALL_PROXY: proxy.url });
    const url = `ws://127.0.0.1:${server.port}`;
    await openOver(server, url, {});
    await openOver(server, url, { proxy: false });
    expect(proxy.requests).toEqual([]);
    await openOver(server, url, { proxy: "environment" });
    expect(proxy.requests).toHaveLength(1);
  });

  test("may list exceptions, which connect directly", async () => {
    const [server, proxy] = [await HeldServer.start(), await runHttpProxy()];
    setEnvironment({ http_proxy: proxy.url, no_proxy: "127.0.0.0/8" });
    await openOver(server, `ws://127.0.0.1:${server.port}`, { proxy: "environment" });
    expect(proxy.requests).toEqual([]);
  });

  test("with an invalid proxy causes an error event that names the variable", async () => {
    setEnvironment({ http_proxy: "ftp://user:secret@proxy.test" });
    const failure = await failureOf(openWebSocket("ws://some.test", { proxy: "environment" }));
    expect(failure).toMatchObject({ code: "invalid_proxy" });
    expect(failure.message).toContain("http_proxy");
    expect(failure.message).not.toMatch(/user|secret/);
  });
});

function setEnvironment(variables: Record<string, string>): void {
  onTestFinished(() => void vi.unstubAllEnvs());
  for (const name of ["http_proxy", "https_proxy", "all_proxy", "no_proxy"]) {
    vi.stubEnv(name, undefined);
    vi.stubEnv(name.toUpperCase(), undefined);
  }
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
}

describe("the proxy option", () => {
  test.each([
    ["no URL", "http://"],
    ["no host", "socks5://"],
    ["another scheme", "socks4://proxy.test"],
    ["an invalid port", "http://proxy.test:99999"],
    ["port 0", "http://user:secret@proxy.test:0"],
  ])("with %s throws immediately", (_, proxy) => {
    const open = (): unknown => openWebSocket("ws://some.test", { proxy });
    expect(open).toThrow(expect.objectContaining({ code: "invalid_proxy" }));
    expect(open).not.toThrow(/secret/);
  });

  test.each([
    ["a line break in the user name", "http://user%0d%0aX-Evil%3A1:secret@proxy.test"],
    ["a line break in the password", "http://user:secret%0a@proxy.test"],
    ["a NUL", "socks5://user:secret%00@proxy.test"],
    ["a colon in the user name (RFC 7617 §2)", "http://user%3A:secret@proxy.test"],
    ["no user name for SOCKS5 (RFC 1929 §2)", "socks5://:secret@proxy.test"],
    ["256 bytes for SOCKS5 (RFC 1929 §2)", `socks5://user:secret${"x".repeat(250)}@proxy.test`],
  ])("with %s throws immediately", (_, proxy) => {
    const open = (): unknown => openWebSocket("ws://some.test", { proxy });
    expect(open).toThrow(expect.objectContaining({ code: "invalid_credentials" }));
    expect(open).not.toThrow(/secret/);
  });

  test("cannot be combined with a Unix socket", () => {
    const options = { proxy: "http://proxy.test", socketPath: "/tmp/socket" };
    const open = (): unknown => openWebSocket("ws://some.test", options);
    expect(open).toThrow(expect.objectContaining({ code: "invalid_proxy" }));
  });
});

/** A server that sends these bytes, each in a separate packet. */
async function byteByByte(bytes: readonly number[]): Promise<string> {
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    socket.resume();
    socket.on("error", () => {});
    const say = (at: number): void => {
      if (at === bytes.length || socket.destroyed) return;
      socket.write(Uint8Array.of(bytes[at]!), () => setImmediate(say, at + 1));
    };
    say(0);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `socks5h://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
