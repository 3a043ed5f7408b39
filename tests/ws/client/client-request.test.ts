import { EventEmitter } from "node:events";
import { Agent, ClientRequest, globalAgent } from "node:http";
import { connect as connectTcp } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { WebSocket, type ClientOptions } from "../../rigs/ws/implementation.ts";
import { connect, listen, next, until } from "../../rigs/ws/rig.ts";
import { fieldsOf, rawServer } from "../../rigs/ws/raw-peer.ts";

/** Returns a client's request as received. */
async function requestOf(
  options: ClientOptions = {},
  { protocols = [] as string[], userInfo = "" } = {},
): Promise<{ head: string; fields: Record<string, string>; port: number }> {
  const { port, peers } = await rawServer(() => undefined);
  connect(`ws://${userInfo}127.0.0.1:${port}/a?b=c`, protocols, options);
  await until(() => peers[0]?.request.includes("\r\n\r\n") === true);
  const head = peers[0]!.request;
  return { head, fields: fieldsOf(head), port };
}

describe("a client's request", () => {
  test("has the headers in the order and capitalization of ws", async () => {
    const { head, port } = await requestOf();
    const lines = head.replace(/(Sec-WebSocket-Key: )[+/\w]{22}==/, "$1KEY").split("\r\n");
    expect(lines).toEqual([
      "GET /a?b=c HTTP/1.1",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: KEY",
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
      `Host: 127.0.0.1:${port}`,
      "",
      "",
    ]);
  });

  test("has a different key each time", async () => {
    const keys = new Set<string>();
    for (let count = 0; count < 3; count += 1) {
      keys.add((await requestOf()).fields["sec-websocket-key"]!);
    }
    expect(keys.size).toBe(3);
  });

  test("lists the subprotocols with commas and without blanks", async () => {
    const { head } = await requestOf({}, { protocols: ["a", "b"] });
    expect(head).toContain("Sec-WebSocket-Protocol: a,b\r\n");
  });

  test("has no Origin unless it is given", async () => {
    expect((await requestOf()).fields["origin"]).toBeUndefined();
    const { fields } = await requestOf({ origin: "https://example.com" });
    expect(fields["origin"]).toBe("https://example.com");
  });

  test("has another name for the origin in version 8", async () => {
    const { fields } = await requestOf({ protocolVersion: 8, origin: "https://example.com" });
    expect(fields).toMatchObject({
      "sec-websocket-version": "8",
      "sec-websocket-origin": "https://example.com",
    });
    expect(fields["origin"]).toBeUndefined();
  });

  test("has the headers of the application, except for those that it sets itself", async () => {
    const headers = { Cookie: "foo=bar", Upgrade: "other", connection: "close" };
    const { head, fields } = await requestOf({ headers });
    expect(fields).toMatchObject({ cookie: "foo=bar", upgrade: "websocket" });
    expect(head.match(/connection: /gi)).toHaveLength(1);
    expect(fields["connection"]).toBe("Upgrade");
  });

  test("offers no compression with perMessageDeflate false or undefined", async () => {
    for (const perMessageDeflate of [false, undefined]) {
      const { fields } = await requestOf({ perMessageDeflate });
      expect(fields["sec-websocket-extensions"]).toBeUndefined();
    }
  });

  test("offers the parameters in the options, in a fixed order", async () => {
    const { fields } = await requestOf({
      perMessageDeflate: {
        clientMaxWindowBits: true,
        serverMaxWindowBits: 10,
        clientNoContextTakeover: true,
        serverNoContextTakeover: true,
      },
    });
    expect(fields["sec-websocket-extensions"]).toBe(
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits",
    );
  });
});

describe("credentials", () => {
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;

  test("come from the URL, decoded", async () => {
    const { fields } = await requestOf({}, { userInfo: "te%20st:t:e@" });
    expect(fields["authorization"]).toBe(basic("te st:t:e"));
  });

  test("come from the option auth, unless the URL has some", async () => {
    expect((await requestOf({ auth: "a:b" })).fields["authorization"]).toBe(basic("a:b"));
    const both = await requestOf({ auth: "a:b" }, { userInfo: "c:d@" });
    expect(both.fields["authorization"]).toBe(basic("c:d"));
  });
});

describe("the Host", () => {
  /** Returns the Host of a request that is never sent. */
  function hostOf(url: string): unknown {
    const agent = Object.assign(new EventEmitter(), {
      addRequest: () => {},
      defaultPort: undefined,
    });
    const client = connect(url, { agent: agent as never });
    return (client._req as ClientRequest).getHeader("host");
  }

  test.each([
    ["wss://localhost:8443", "localhost:8443"],
    ["wss://localhost:443", "localhost"],
    ["wss://localhost", "localhost"],
    ["ws://localhost:88", "localhost:88"],
    ["ws://localhost:80", "localhost"],
    ["ws://localhost", "localhost"],
  ])("of %s is %s", (url, host) => {
    expect(hostOf(url)).toBe(host);
  });
});

describe("createConnection", () => {
  test("creates the stream, and receives the destination", async () => {
    const { port, url } = await listen();
    const seen: Record<string, unknown>[] = [];
    const client = connect("ws://example.com:22/x", {
      createConnection: (options) => {
        seen.push(options as Record<string, unknown>);
        return connectTcp(port, "127.0.0.1");
      },
    });
    await next(client, "open");
    expect(seen).toMatchObject([{ host: "example.com", port: "22" }]);
    expect(client.url).toBe("ws://example.com:22/x");
    expect(url).not.toContain("example");
  });

  test("the Host header is still the URL's", async () => {
    const { port, wss } = await listen();
    const connection = next(wss, "connection");
    connect("ws://example.com:22/x", {
      createConnection: () => connectTcp(port, "127.0.0.1"),
    });
    const [, request] = (await connection) as [WebSocket, { headers: Record<string, string> }];
    expect(request.headers["host"]).toBe("example.com:22");
  });
});

describe("agent", () => {
  test.each([
    ["false", () => false as const],
    ["undefined", () => undefined],
    ["an agent of Node", () => new Agent({ keepAlive: true })],
  ])("may be %s", async (_, make) => {
    const { url } = await listen();
    await next(connect(url, { agent: make() }), "open");
  });

  test("Node's global agent is used only if it is given", async () => {
    const { url } = await listen();
    const createConnection = vi.spyOn(globalAgent, "createConnection");
    onTestFinished(() => createConnection.mockRestore());
    await next(connect(url), "open");
    expect(createConnection).not.toHaveBeenCalled();
  });
});

describe("finishRequest", () => {
  test("receives the request and the socket, and decides when to end the request", async () => {
    const { url, wss } = await listen();
    const connection = next(wss, "connection");
    const seen: unknown[] = [];
    const client = connect(url, {
      finishRequest: (request, socket) => {
        seen.push(request, socket);
        setImmediate(() => {
          request.setHeader("Cookie", "foo=bar");
          request.end();
        });
      },
    });
    expect(seen[0]).toBeInstanceOf(ClientRequest);
    expect(seen[0]).toBe(client._req);
    expect(seen[1]).toBe(client);
    const [, request] = (await connection) as [WebSocket, { headers: Record<string, string> }];
    expect(request.headers["cookie"]).toBe("foo=bar");
    await next(client, "open");
    expect(client._req).toBeNull();
  });
});
