import { ClientRequest } from "node:http";
import { describe, expect, test } from "vitest";
import type { ClientOptions } from "../../rigs/ws/implementation.ts";
import { connect, failed, listen, Log, next, until } from "../../rigs/ws/rig.ts";
import { fieldsOf, goodAnswer, rawServer, type RawPeer } from "../../rigs/ws/raw-peer.ts";

const to = (location: string): string =>
  `HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;

/** A server that redirects every request to `location`, except for /there. */
async function redirecting(
  location: (port: number) => string,
): Promise<{ url: string; port: number; peers: RawPeer[] }> {
  const server = await rawServer((accept, request) =>
    request.startsWith("GET /there") ? goodAnswer(accept) : to(location(server.port)),
  );
  return server;
}

const headers = { Authorization: "Basic Zm9v", cookie: "a=b", Host: "foo", "X-Other": "x" };
const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;

describe("with followRedirects", () => {
  test("a redirect is emitted, then followed", async () => {
    const { url, peers } = await redirecting(() => "/there");
    const client = connect(url, { followRedirects: true });
    const seen: unknown[][] = [];
    client.on("redirect", (to: string, request: ClientRequest) =>
      seen.push([to, request instanceof ClientRequest, client.url, client.readyState]),
    );
    await next(client, "open");
    expect(seen).toEqual([[`${url}/there`, true, `${url}/there`, 0]]);
    expect(client.url).toBe(`${url}/there`);
    const keys = peers.map(({ request }) => fieldsOf(request)["sec-websocket-key"]);
    expect(new Set(keys).size).toBe(2);
  });

  test("3xx without a Location is an unexpected response", async () => {
    const { url } = await rawServer(() => "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n");
    const lines = await new Log(connect(url, { followRedirects: true })).closed;
    expect(lines).toEqual(["error Unexpected server response: 302", "close 1006"]);
  });

  test("at most maxRedirects are followed", async () => {
    const { url, peers } = await rawServer(() => to("/again"));
    const client = connect(url, { followRedirects: true, maxRedirects: 1 });
    const lines = await new Log(client).closed;
    expect(lines).toEqual(["error Maximum redirects exceeded", "close 1006"]);
    expect(peers).toHaveLength(2);
  });

  test("finishRequest is called for each request", async () => {
    const { url } = await redirecting(() => "/there");
    const requests = new Set<ClientRequest>();
    const finishRequest = (request: ClientRequest): void => {
      requests.add(request);
      request.end();
    };
    await next(connect(url, { followRedirects: true, finishRequest }), "open");
    expect(requests.size).toBe(2);
  });

  test.each([
    ["ws://", "Invalid URL: ws://"],
    [
      "bad-scheme://localhost",
      'The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"',
    ],
    ["/x#y", "The URL contains a fragment identifier"],
    ["ws+unix:", "The URL's pathname is empty"],
  ])(
    "a Location %s is the same error as in the constructor, but emitted",
    async (location, text) => {
      const { url } = await rawServer(() => to(location));
      const client = connect(url, { followRedirects: true });
      const log = new Log(client);
      expect(await failed(client)).toBeInstanceOf(SyntaxError);
      expect(await log.closed).toEqual([`error ${text}`, "close 1006"]);
      expect(log.states).toEqual([2, 3]);
    },
  );

  test("the request may be aborted in 'redirect'", async () => {
    const { url } = await redirecting(() => "/there");
    const client = connect(url, { followRedirects: true });
    client.on("redirect", (_, request: ClientRequest) => {
      request.on("socket", () => request.destroy());
    });
    expect(await new Log(client).closed).toEqual(["error socket hang up", "close 1006"]);
  });

  test("a header may be removed in 'redirect'", async () => {
    const { url, peers } = await redirecting(() => "/there");
    const client = connect(url, { followRedirects: true, headers });
    client.on("redirect", (_, request: ClientRequest) => request.removeHeader("cookie"));
    await next(client, "open");
    expect(fieldsOf(peers[1]!.request)["cookie"]).toBeUndefined();
    expect(fieldsOf(peers[1]!.request)["authorization"]).toBe("Basic Zm9v");
  });
});

/** Returns the headers of the request after a redirect to another server or path. */
async function shownAfter(
  location: (port: number, other: string) => string,
  options: ClientOptions = { headers },
  { isHeard = false, userInfo = "" } = {},
): Promise<Record<string, string>> {
  const other = await rawServer();
  const { url, port, peers } = await redirecting((port) => location(port, other.url));
  const from = `ws://${userInfo}127.0.0.1:${port}`;
  const client = connect(from, { followRedirects: true, ...options });
  if (isHeard) client.on("redirect", () => {});
  await next(client, "open");
  const last = other.peers[0] ?? peers[1]!;
  await until(() => last.request.includes("\r\n\r\n"));
  expect(url).toContain(String(port));
  return fieldsOf(last.request);
}

describe("the headers after a redirect", () => {
  const elsewhere = (_: number, other: string): string => other;
  const sameHost = (): string => "/there";

  test("to the same host are all", async () => {
    expect(await shownAfter(sameHost)).toMatchObject({
      authorization: "Basic Zm9v",
      cookie: "a=b",
      host: "foo",
      "x-other": "x",
    });
  });

  test("to another host do not include those for the first; another port is another host", async () => {
    const fields = await shownAfter(elsewhere);
    expect(fields["x-other"]).toBe("x");
    expect(fields["authorization"]).toBeUndefined();
    expect(fields["cookie"]).toBeUndefined();
    expect(fields["host"]).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  test("to another host do not include the option auth or the URL's credentials", async () => {
    expect((await shownAfter(elsewhere, { auth: "a:b" }))["authorization"]).toBeUndefined();
    const withUser = (_: number, other: string): string => other.replace("//", "//c:d@");
    expect((await shownAfter(withUser, { auth: "a:b" }))["authorization"]).toBeUndefined();
  });

  test("to another host are all if there is a listener for 'redirect'", async () => {
    const fields = await shownAfter(elsewhere, { headers }, { isHeard: true });
    expect(fields).toMatchObject({ authorization: "Basic Zm9v", cookie: "a=b", host: "foo" });
    const auth = await shownAfter(elsewhere, { auth: "a:b" }, { isHeard: true });
    expect(auth["authorization"]).toBe(basic("a:b"));
  });

  test("to the same host include the first credentials, whatever the Location has", async () => {
    const withUser = (port: number): string => `ws://baz:qux@127.0.0.1:${port}/there`;
    const fields = await shownAfter(withUser, {}, { userInfo: "foo:bar@" });
    expect(fields["authorization"]).toBe(basic("foo:bar"));
  });

  test("back to the first host are all again", async () => {
    const first = await rawServer((accept, request) =>
      request.startsWith("GET /there") ? goodAnswer(accept) : to(away.url),
    );
    const away = await rawServer(() => to(`${first.url}/there`));
    await next(connect(first.url, { followRedirects: true, headers }), "open");
    expect(fieldsOf(away.peers[0]!.request)["cookie"]).toBeUndefined();
    expect(fieldsOf(first.peers[1]!.request)).toMatchObject({ cookie: "a=b", host: "foo" });
  });
});

test("a server of this package may be the target", async () => {
  const { url, wss } = await listen();
  const connection = next(wss, "connection");
  const { url: from } = await rawServer(() => to(url.replace("ws:", "http:")));
  const client = connect(from, { followRedirects: true });
  await next(client, "open");
  await connection;
  expect(client.url).toBe(`${url}/`);
});
