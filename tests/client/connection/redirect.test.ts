import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openWebSocket, type ClientOptions } from "../../../src/client/index.ts";
import { makeCertificate } from "../../rigs/processes/tls-certificate.ts";
import { failureOf } from "./failure-of.ts";
import { headersNamed, HeldServer, type HeldHandshake } from "../../rigs/sockets/held-server.ts";
import { runHttpProxy } from "./http-proxy-server.ts";
import { eventsOf, next } from "../../rigs/sockets/watch-socket.ts";

const redirect = (location: string, status = 302): string =>
  `HTTP/1.1 ${status} Elsewhere\r\nLocation: ${location}\r\nContent-Length: 4\r\n\r\nbody`;

const FOLLOW: ClientOptions = { followRedirects: true };

describe("redirects are followed if the application allows it (RFC 6455 §4.1)", () => {
  test.each([301, 302, 303, 307, 308])("%i", async (status) => {
    const [from, to] = [await HeldServer.start(), await HeldServer.start()];
    const url = `ws://127.0.0.1:${from.port}/old`;
    const socket = openWebSocket(url, { ...FOLLOW, protocols: ["a"], headers: { "X-A": "b" } });
    (await from.next()).answer(redirect(`ws://127.0.0.1:${to.port}/new?a=b`, status));
    const handshake = await to.next();
    expect(handshake.request).toMatch(/^GET \/new\?a=b HTTP\/1\.1\r\n/);
    expect(headersNamed(handshake.request, "Host")).toEqual([`127.0.0.1:${to.port}`]);
    expect(headersNamed(handshake.request, "Sec-WebSocket-Protocol")).toEqual(["a"]);
    expect(headersNamed(handshake.request, "X-A")).toEqual(["b"]);
    handshake.socket.end();
    await next(socket, "close");
    expect(socket.url).toBe(url);
  });

  test.each([undefined, false] as const)(
    "redirects are not followed with followRedirects %s",
    async (followRedirects) => {
      const server = await HeldServer.start();
      const url = `ws://127.0.0.1:${server.port}`;
      const options = followRedirects === undefined ? {} : { followRedirects };
      const failed = failureOf(openWebSocket(url, options));
      (await server.next()).answer(redirect("/new"));
      expect(await failed).toMatchObject({ code: "handshake_refused", status: 302 });
      expect(server.connections).toBe(1);
    },
  );

  test.each([
    ["a path", "/new", "/new"],
    ["a relative path", "new", "/a/new"],
    ["a query", "?new", "/a/old?new"],
    ["a fragment, which is not sent (RFC 9110 §4.2.5)", "/new#part", "/new"],
    ["no scheme", "//127.0.0.1:PORT/new", "/new"],
    ["http:, which means ws:", "http://127.0.0.1:PORT/new", "/new"],
    ["line breaks, which are removed", "/new%0d%0aX-Evil:1", "/new%0d%0aX-Evil:1"],
  ])("a Location with %s is resolved against the URL (RFC 9110 §10.2.2)", async (_, to, path) => {
    const server = await HeldServer.start();
    openWebSocket(`ws://127.0.0.1:${server.port}/a/old`, FOLLOW);
    (await server.next()).answer(redirect(to.replace("PORT", String(server.port))));
    expect((await server.next()).request.split(" ")[1]).toBe(path);
  });

  test("from ws: to wss:", async () => {
    const files = makeCertificate();
    const [from, to] = [await HeldServer.start(), await HeldServer.start(files)];
    const tls = { ca: readFileSync(files.cert) };
    const socket = openWebSocket(`ws://127.0.0.1:${from.port}`, { ...FOLLOW, tls });
    (await from.next()).answer(redirect(`https://127.0.0.1:${to.port}`));
    (await to.next()).accept();
    await next(socket, "open");
  });

  test("a redirect uses the proxy again", async () => {
    const [server, proxy] = [await HeldServer.start(), await runHttpProxy()];
    const options = { ...FOLLOW, proxy: proxy.url };
    const socket = openWebSocket(`ws://one.test:${server.port}`, options);
    (await server.next()).answer(redirect(`ws://two.test:${server.port}`));
    (await server.next()).accept();
    await next(socket, "open");
    const asked = proxy.requests.map((request) => request.split(" ")[1]);
    expect(asked).toEqual([`one.test:${server.port}`, `two.test:${server.port}`]);
  });
});

describe("credentials are limited to their origin (RFC 9110 §15.4, item 5)", () => {
  const headers = {
    AUTHORIZATION: "Bearer x",
    Cookie: "a=b",
    "Proxy-Authorization": "Basic eDp5",
    "X-Other": "kept",
  };
  const names = Object.keys(headers);
  const sent = ({ request }: HeldHandshake): string[] =>
    names.filter((name) => headersNamed(request, name).length > 0);

  test("the same origin receives them again, but another does not, nor does the first after it", async () => {
    const [one, two] = [await HeldServer.start(), await HeldServer.start()];
    openWebSocket(`ws://127.0.0.1:${one.port}`, { ...FOLLOW, headers });
    const first = await one.next();
    expect(sent(first)).toEqual(names);
    first.answer(redirect("/again"));
    const again = await one.next();
    expect(sent(again)).toEqual(names);
    again.answer(redirect(`ws://127.0.0.1:${two.port}`));
    const elsewhere = await two.next();
    expect(sent(elsewhere)).toEqual(["X-Other"]);
    elsewhere.answer(redirect(`ws://127.0.0.1:${one.port}`));
    expect(sent(await one.next())).toEqual(["X-Other"]);
  });

  test("this applies to credentials in the URL, and those in a Location are ignored", async () => {
    const [one, two] = [await HeldServer.start(), await HeldServer.start()];
    openWebSocket(`ws://user:secret@127.0.0.1:${one.port}`, FOLLOW);
    (await one.next()).answer(redirect(`ws://evil:evil@127.0.0.1:${one.port}/again`));
    const again = await one.next();
    const own = `Basic ${Buffer.from("user:secret").toString("base64")}`;
    expect(headersNamed(again.request, "Authorization")).toEqual([own]);
    again.answer(redirect(`ws://evil:evil@127.0.0.1:${two.port}`));
    expect(headersNamed((await two.next()).request, "Authorization")).toEqual([]);
  });

  test("this applies to a TLS client certificate", async () => {
    const files = makeCertificate();
    const [one, two] = [await HeldServer.start(files), await HeldServer.start(files)];
    const tls = {
      ca: readFileSync(files.cert),
      cert: readFileSync(files.cert),
      key: readFileSync(files.key),
      servername: "one.test",
      checkServerIdentity: () => undefined,
    };
    openWebSocket(`wss://127.0.0.1:${one.port}`, { ...FOLLOW, tls });
    const first = await one.next();
    expect(first.servername).toBe("one.test");
    first.answer(redirect(`wss://127.0.0.1:${two.port}`));
    expect((await two.next()).servername).toBe(false);
  });
});

describe("a redirect that is rejected", () => {
  test.each([
    ["to another scheme", "file:///etc/passwd", "blocked_redirect"],
    ["to a scheme that executes code", "javascript:alert(1)", "blocked_redirect"],
    ["to ftp:", "ftp://127.0.0.1/", "blocked_redirect"],
    ["to an invalid URL", "http://:99999", "bad_redirect"],
    ["to an invalid host", "ws://a b/", "bad_redirect"],
    ["nowhere", "", "bad_redirect"],
    ["to two places", "/a\r\nLocation: /b", "bad_redirect"],
  ])("%s", async (_, location, code) => {
    const server = await HeldServer.start();
    const failed = failureOf(openWebSocket(`ws://127.0.0.1:${server.port}`, FOLLOW));
    const answer = redirect(location);
    (await server.next()).answer(location === "" ? answer.replace("Location: \r\n", "") : answer);
    expect(await failed).toMatchObject({ code, status: 302 });
    expect(server.connections).toBe(1);
  });

  test("from wss: to ws:", async () => {
    const files = makeCertificate();
    const [from, to] = [await HeldServer.start(files), await HeldServer.start()];
    const tls = { ca: readFileSync(files.cert) };
    const socket = openWebSocket(`wss://127.0.0.1:${from.port}`, { ...FOLLOW, tls });
    const failed = failureOf(socket);
    (await from.next()).answer(redirect(`http://127.0.0.1:${to.port}/`));
    expect(await failed).toMatchObject({ code: "redirect_downgrade" });
    expect(to.connections).toBe(0);
  });

  test.each([
    [true, 5],
    [1, 1],
    [7, 7],
  ])("one too many, with followRedirects %s", async (followRedirects, most) => {
    const server = await HeldServer.start();
    const socket = openWebSocket(`ws://127.0.0.1:${server.port}`, { followRedirects });
    const failed = failureOf(socket);
    for (let count = 0; count <= most; count += 1) (await server.next()).answer(redirect("/"));
    expect(await failed).toMatchObject({ code: "too_many_redirects", status: 302 });
    expect(server.connections).toBe(most + 1);
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
    "%s as their number throws immediately",
    (followRedirects) => {
      const open = (): unknown => openWebSocket("ws://127.0.0.1:1", { followRedirects });
      expect(open).toThrow(expect.objectContaining({ code: "invalid_limit" }));
    },
  );
});

describe("while redirects are followed", () => {
  test("handshakeTimeoutMs covers all of them", async () => {
    const server = await HeldServer.start();
    const options = { followRedirects: 1_000_000, handshakeTimeoutMs: 200 };
    const socket = openWebSocket(`ws://127.0.0.1:${server.port}`, options);
    const failed = failureOf(socket);
    void (async () => {
      while (socket.readyState === 0) (await server.next()).answer(redirect("/"));
    })();
    expect(await failed).toMatchObject({ code: "handshake_timeout" });
  });

  test("the attempt can be aborted", async () => {
    const server = await HeldServer.start();
    const abort = new AbortController();
    const options = { ...FOLLOW, signal: abort.signal };
    const socket = openWebSocket(`ws://127.0.0.1:${server.port}`, options);
    (await server.next()).answer(redirect("/"));
    const second = await server.next();
    const closed = new Promise((resolve) => second.socket.once("close", resolve));
    const events = eventsOf(socket);
    abort.abort();
    expect(await events).toEqual(["error", "close"]);
    await closed;
  });

  test("after a redirect, the first host accepts the next attempt", async () => {
    const [one, two] = [await HeldServer.start(), await HeldServer.start()];
    openWebSocket(`ws://127.0.0.1:${one.port}/first`, FOLLOW);
    const waiting = openWebSocket(`ws://127.0.0.1:${one.port}/second`);
    (await one.next()).answer(redirect(`ws://127.0.0.1:${two.port}`));
    await two.next();
    (await one.next()).accept();
    await next(waiting, "open");
  });
});
