import type { LookupAddress } from "node:dns";
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { openWebSocket, WebSocket, type ClientOptions } from "../../../src/client/index.ts";
import { makeCertificate } from "../../rigs/processes/tls-certificate.ts";
import { failureOf } from "./failure-of.ts";
import { fakeServer } from "../../rigs/sockets/fake-server.ts";
import { headersNamed, HeldServer } from "../../rigs/sockets/held-server.ts";
import { eventsOf, next } from "../../rigs/sockets/watch-socket.ts";

/** Resolves every name to this machine. */
const toHere: NonNullable<ClientOptions["tcp"]> = {
  lookup: (_, options, found) => {
    if (options.all === true) found(null, [{ address: "127.0.0.1", family: 4 }]);
    else found(null, "127.0.0.1", 4);
  },
};

/** Opens another connection, so that earlier ones have arrived if they were opened. */
async function openAnother(): Promise<void> {
  const server = await HeldServer.start();
  const socket = openWebSocket(`ws://127.0.0.1:${server.port}`);
  (await server.next()).accept();
  await next(socket, "open");
}

function aborting(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

describe("only one connection to a host is being opened at a time (RFC 6455 §4.1, item 2)", () => {
  test("the next one starts when the previous one is open", async () => {
    const server = await HeldServer.start();
    const url = `ws://127.0.0.1:${server.port}`;
    const sockets = [1, 2, 3].map((n) => new WebSocket(`${url}/${n}`));
    for (const [index, socket] of sockets.entries()) {
      const handshake = await server.next();
      expect(handshake.request).toMatch(new RegExp(`^GET /${index + 1} `));
      await openAnother();
      expect(server.connections).toBe(index + 1);
      handshake.accept();
      await next(socket, "open");
    }
  });

  test("the next one starts when the previous one has failed", async () => {
    const server = await HeldServer.start();
    const url = `ws://127.0.0.1:${server.port}`;
    const [first, second] = [new WebSocket(url), new WebSocket(url)];
    const failed = failureOf(first);
    (await server.next()).answer("HTTP/1.1 503 Busy\r\n\r\n");
    expect(await failed).toMatchObject({ code: "handshake_refused", status: 503 });
    (await server.next()).accept();
    await next(second, "open");
  });

  test("an address is the same host under any name, and another port is another host", async () => {
    const server = await HeldServer.start();
    const first = openWebSocket(`ws://one.test:${server.port}`, { tcp: toHere });
    const second = openWebSocket(`ws://two.test:${server.port}`, { tcp: toHere });
    const handshake = await server.next();
    await openAnother();
    expect(server.connections).toBe(1);
    handshake.accept();
    await next(first, "open");
    (await server.next()).accept();
    await next(second, "open");
  });

  test("a waiting attempt can be aborted without blocking the next one", async () => {
    const server = await HeldServer.start();
    const url = `ws://127.0.0.1:${server.port}`;
    const { signal, abort } = aborting();
    const first = openWebSocket(`${url}/first`);
    const waiting = openWebSocket(`${url}/waiting`, { signal });
    const last = openWebSocket(`${url}/last`);
    const handshake = await server.next();
    const events = eventsOf(waiting);
    abort();
    expect(await events).toEqual(["error", "close"]);
    handshake.accept();
    await next(first, "open");
    const second = await server.next();
    expect(second.request).toMatch(/^GET \/last /);
    second.accept();
    await next(last, "open");
  });

  test("attempts that are aborted together do not connect later", async () => {
    const server = await HeldServer.start();
    const url = `ws://127.0.0.1:${server.port}`;
    const { signal, abort } = aborting();
    const sockets = [1, 2, 3].map(() => openWebSocket(url, { signal }));
    await server.next();
    const events = sockets.map(eventsOf);
    abort();
    expect(await Promise.all(events)).toEqual(sockets.map(() => ["error", "close"]));
    await openAnother();
    expect(server.connections).toBe(1);
  });

  test("an attempt that hangs ends by its own timeout, and waiting does not shorten the timeout of the next", async () => {
    const server = await HeldServer.start();
    const url = `ws://127.0.0.1:${server.port}`;
    const hanging = openWebSocket(url, { handshakeTimeoutMs: 600 });
    const patient = openWebSocket(url, { handshakeTimeoutMs: 500 });
    const failed = failureOf(hanging);
    const opened = next(patient, "open");
    await server.next();
    expect(await failed).toMatchObject({ code: "handshake_timeout" });
    (await server.next()).accept();
    await opened;
  });

  test("fifty started together all open, one after another", async () => {
    const server = await HeldServer.start();
    const sockets = Array.from(
      { length: 50 },
      () => new WebSocket(`ws://127.0.0.1:${server.port}`),
    );
    const opened = sockets.map((socket) => next(socket, "open"));
    for (let count = 1; count <= sockets.length; count += 1) {
      const handshake = await server.next();
      expect(server.connections).toBe(count);
      handshake.accept();
    }
    await Promise.all(opened);
  });
});

describe("credentials in the URL become Authorization (RFC 7617)", () => {
  async function requestOf(userInfo: string, options: ClientOptions = {}): Promise<string> {
    const server = await HeldServer.start();
    openWebSocket(`ws://${userInfo}@127.0.0.1:${server.port}/`, options);
    const { request } = await server.next();
    expect(headersNamed(request, "Host")).toEqual([`127.0.0.1:${server.port}`]);
    return request;
  }

  const basic = (text: string): string[] => [`Basic ${Buffer.from(text).toString("base64")}`];

  test.each([
    ["user:secret", "user:secret"],
    ["us%40er:se%3Acret%25", "us@er:se:cret%"],
    ["üser:şecret", "üser:şecret"],
    ["token", "token:"],
    [":secret", ":secret"],
    ["a:%zz", "a:%zz"],
  ])("%s, percent-decoded, as UTF-8", async (userInfo, text) => {
    expect(headersNamed(await requestOf(userInfo), "Authorization")).toEqual(basic(text));
  });

  test("the application's header takes precedence", async () => {
    const request = await requestOf("user:secret", { headers: { authorization: "Bearer x" } });
    expect(headersNamed(request, "Authorization")).toEqual(["Bearer x"]);
  });

  test.each([
    ["a line break", "user%0d%0aX-Evil:1"],
    ["a line break in the password", "user:a%0Ab"],
    ["a NUL", "user:a%00b"],
    ["a colon in the name, which would be read as the start of the password", "a%3Ab:c"],
  ])("%s is rejected without connecting (RFC 7617 §2)", async (_, userInfo) => {
    const server = await HeldServer.start();
    const error = await failureOf(new WebSocket(`ws://${userInfo}@127.0.0.1:${server.port}`));
    expect(error.code).toBe("invalid_credentials");
    expect(error.message).not.toMatch(/user[%:]|X-Evil|a%3A/);
    await openAnother();
    expect(server.connections).toBe(0);
  });

  test.each(["ws://user:secret@a b", "ws://user:sec/ret@x:99999", "user:secret@x.test"])(
    "errors do not contain them: %s",
    (url) => {
      expect(() => new WebSocket(url)).toThrow(/absolute URL|scheme/);
      expect(() => new WebSocket(url)).not.toThrow(/sec/);
    },
  );

  test("error events do not contain them", async () => {
    const url = await fakeServer(() => "HTTP/1.1 401 No\r\n\r\n");
    const refused = await failureOf(new WebSocket(url.replace("//", "//user:secret@")));
    const lost = await failureOf(new WebSocket("ws://user:secret@127.0.0.1:1001/"));
    const late = await failureOf(
      openWebSocket((await fakeServer(() => "")).replace("//", "//user:secret@"), {
        handshakeTimeoutMs: 20,
      }),
    );
    expect([refused.code, lost.code, late.code]).toEqual([
      "handshake_refused",
      "unreachable",
      "handshake_timeout",
    ]);
    for (const { message } of [refused, lost, late]) expect(message).not.toMatch(/user|secret/);
  });
});

describe("request headers are checked before anything is sent (RFC 9110 §5.5)", () => {
  const lineBreaks = ["a\rb", "a\nb", "a\r\nX-Evil: 1", "a\0b", "a\x7fb", "a\u0100b"];

  test.each(lineBreaks)("a header's value %j", (value) => {
    const open = (): unknown => openWebSocket("ws://127.0.0.1:1", { headers: { "X-A": value } });
    expect(open).toThrow(expect.objectContaining({ code: "invalid_header" }));
  });

  test.each([...lineBreaks, "", "a b", "a:b", "ä"])("a header's name %j", (name) => {
    const open = (): unknown => openWebSocket("ws://127.0.0.1:1", { headers: { [name]: "x" } });
    expect(open).toThrow(expect.objectContaining({ code: "invalid_header" }));
  });

  test.each([...lineBreaks, "", "a b", "a,b"])("a subprotocol %j (RFC 6455 §4.1)", (protocol) => {
    const open = (): unknown => openWebSocket("ws://127.0.0.1:1", { protocols: [protocol] });
    expect(open).toThrow(expect.objectContaining({ name: "SyntaxError" }));
  });

  test.each(["ws://a%0d%0ab/", "ws://a%00b/", "ws://a b/", "ws://a\0b/"])("a host: %j", (url) => {
    expect(() => new WebSocket(url)).toThrow(expect.objectContaining({ name: "SyntaxError" }));
  });

  test("a path and a query cannot leave the request line", async () => {
    const server = await HeldServer.start();
    const path = "/a\r\nX-Evil: 1\0?b c\r\nX-Evil: 2";
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`);
    const handshake = await server.next();
    expect(handshake.request).toMatch(/^GET \/aX-Evil:%201%00\?b%20cX-Evil:%202 HTTP\/1\.1\r\n/);
    expect(headersNamed(handshake.request, "X-Evil")).toEqual([]);
    handshake.accept();
    await next(socket, "open");
  });
});

describe("TCP and TLS", () => {
  test("a custom lookup function is used, with one address or several", async () => {
    const server = await HeldServer.start();
    const names: string[] = [];
    const one: NonNullable<ClientOptions["tcp"]>["lookup"] = (name, _, found) => {
      names.push(name);
      found(null, "127.0.0.1", 4);
    };
    const url = `ws://some.test:${server.port}`;
    const socket = openWebSocket(url, { tcp: { lookup: one } });
    const handshake = await server.next();
    expect(headersNamed(handshake.request, "Host")).toEqual([`some.test:${server.port}`]);
    handshake.accept();
    await next(socket, "open");
    expect(names).toEqual(["some.test"]);
  });

  test("if a host has several addresses, one that responds is enough (RFC 8305)", async () => {
    const server = await HeldServer.start();
    const addresses: LookupAddress[] = [
      { address: "::1", family: 6 },
      { address: "127.0.0.1", family: 4 },
    ];
    const socket = openWebSocket(`ws://some.test:${server.port}`, {
      tcp: { lookup: (_, __, found) => found(null, addresses) },
    });
    (await server.next()).accept();
    await next(socket, "open");
  });

  test.each([
    ["fails", new Error("no such name"), [], "no such name"],
    ["finds nothing", null, [], "did not return an IP address"],
    [
      "finds no address",
      null,
      [{ address: "nonsense", family: 4 }],
      "did not return an IP address",
    ],
  ])("a lookup that %s causes an error event", async (_, error, addresses, reason) => {
    const tcp: ClientOptions["tcp"] = { lookup: (__, ___, found) => found(error, addresses) };
    const failure = await failureOf(openWebSocket("ws://some.test:1001", { tcp }));
    expect(failure).toMatchObject({ code: "unreachable" });
    expect(failure.message).toMatch(/^some\.test:1001 cannot be reached \(.+\); /);
    expect(failure.message).toContain(reason);
  });

  test("a lookup that never returns ends after handshakeTimeoutMs", async () => {
    const options = { tcp: { lookup: () => {} }, handshakeTimeoutMs: 20 };
    const failure = await failureOf(openWebSocket("ws://some.test:1001", options));
    expect(failure.code).toBe("handshake_timeout");
    expect(failure.message).toContain("while resolving the name");
  });

  test("localAddress sets the source address of the connection", async () => {
    const server = await HeldServer.start();
    openWebSocket(`ws://127.0.0.1:${server.port}`, { tcp: { localAddress: "127.0.0.9" } });
    expect((await server.next()).socket.remoteAddress).toBe("127.0.0.9");
  });

  test("wss: sends the host name and offers HTTP/1.1 (RFC 6066 §3, RFC 7301)", async () => {
    const files = makeCertificate();
    const server = await HeldServer.start(files);
    const tls = { ca: readFileSync(files.cert), checkServerIdentity: () => undefined };
    const named = openWebSocket(`wss://some.test:${server.port}`, { tcp: toHere, tls });
    const first = await server.next();
    expect(first).toMatchObject({ servername: "some.test", alpn: "http/1.1" });
    first.accept();
    await next(named, "open");
    openWebSocket(`wss://127.0.0.1:${server.port}`, { tls });
    expect(await server.next()).toMatchObject({ servername: false });
  });

  test("a certificate for another name, or from an untrusted issuer, is rejected", async () => {
    const files = makeCertificate();
    const { port } = await HeldServer.start(files);
    const tls = { ca: readFileSync(files.cert) };
    const misnamed = openWebSocket(`wss://some.test:${port}`, { tcp: toHere, tls });
    expect(await failureOf(misnamed)).toMatchObject({ code: "tls_failed" });
    expect(await failureOf(new WebSocket(`wss://127.0.0.1:${port}`))).toMatchObject({
      code: "tls_failed",
    });
  });

  test("TLS options that Node rejects cause an error event", async () => {
    const { port } = await HeldServer.start();
    const socket = openWebSocket(`wss://127.0.0.1:${port}`, { tls: { cert: "nonsense" } });
    expect(await failureOf(socket)).toMatchObject({ code: "tls_failed" });
  });

  test("handshakeTimeoutMs applies to TLS", async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as AddressInfo;
    const options = { handshakeTimeoutMs: 50 };
    const failure = await failureOf(openWebSocket(`wss://127.0.0.1:${port}`, options));
    expect(failure.code).toBe("handshake_timeout");
    expect(failure.message).toContain("while negotiating TLS");
  });

  test("a server that closes without a response", async () => {
    const server = await HeldServer.start();
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}`);
    const failed = failureOf(socket);
    (await server.next()).socket.end();
    expect(await failed).toMatchObject({ code: "handshake_cut" });
  });
});
