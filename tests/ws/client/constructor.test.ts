import { Agent } from "node:http";
import { onTestFinished } from "vitest";
import { describe, expect, test } from "vitest";
import { WebSocket, type ClientOptions } from "../../rigs/ws/implementation.ts";
import { connect, keep, next } from "../../rigs/ws/rig.ts";
import { fieldsOf, rawServer } from "../../rigs/ws/raw-peer.ts";

/** An agent that never connects, and records the requests. */
class IdleAgent extends Agent {
  protocol: string | undefined;
  asked: Record<string, unknown>[] = [];

  addRequest(_request: unknown, options: Record<string, unknown>): void {
    this.asked.push(options);
  }
}

/** Returns the destination of a client. */
function asked(address: string | URL, options: ClientOptions = {}): Record<string, unknown> {
  const agent = new IdleAgent();
  onTestFinished(() => agent.destroy());
  keep(new WebSocket(address, { agent, ...options }));
  return agent.asked[0]!;
}

describe("the address", () => {
  const SCHEMES =
    'The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"';

  test.each([
    ["foo", "Invalid URL: foo"],
    ["bad-scheme://localhost", SCHEMES],
    ["ws+unix:", "The URL's pathname is empty"],
    ["ws://localhost#foo", "The URL contains a fragment identifier"],
  ])("%s throws a SyntaxError", (address, text) => {
    expect(() => new WebSocket(address)).toThrow(new SyntaxError(text));
  });

  test("may be a URL object, whose host is used without brackets", () => {
    const url = new URL("ws://[::1]");
    expect(asked(url)).toMatchObject({ host: "::1", path: "/" });
  });

  test.each([
    ["http://localhost", 80],
    ["ws://localhost", 80],
    ["https://localhost", 443],
    ["wss://localhost", 443],
  ])("%s is a WebSocket on port %i", (address, port) => {
    expect(asked(address)).toMatchObject({ port, host: "localhost" });
  });

  test("a given URL object is not changed", () => {
    const url = new URL("http://localhost/x");
    asked(url);
    expect(url.href).toBe("http://localhost/x");
  });

  test.each([
    ["ws://localhost/a?b=c", "/a?b=c"],
    ["ws://localhost?b=c", "/?b=c"],
    ["ws+unix:/tmp/x:/a?b=c", "/a?b=c"],
    ["ws+unix:/tmp/x", ""],
  ])("%s requests the path '%s'", (address, path) => {
    expect(asked(address)).toMatchObject({ path });
  });

  test("for a Unix socket, ends at the first colon", () => {
    expect(asked("ws+unix:/tmp/x:/a:b")).toMatchObject({ socketPath: "/tmp/x", path: "/a:b" });
  });
});

describe("the protocols", () => {
  test.each([[null], [""], ["a,b"], [["a", "a"]], [["a", 1]]])("%j is refused", (protocols) => {
    const refusal = new SyntaxError("An invalid or duplicated subprotocol was specified");
    expect(() => new WebSocket("ws://localhost", protocols as never)).toThrow(refusal);
  });

  const given: [string, unknown, ClientOptions | undefined, string | undefined][] = [
    ["an array", ["a", "b"], undefined, "a,b"],
    ["a string", "a", undefined, "a"],
    ["nothing", undefined, undefined, undefined],
    ["an empty array and options", [], { origin: "o" }, undefined],
    ["undefined and options", undefined, { origin: "o" }, undefined],
    ["options alone", { origin: "o" }, undefined, undefined],
    ["options that have an array", { protocols: ["x", "y"] }, undefined, "x,y"],
    ["undefined and options that have a string", undefined, { protocols: "z" }, "z"],
    ["an empty array, which takes precedence", [], { protocols: "z" }, undefined],
    ["an array, which takes precedence", ["q"], { protocols: "z" }, "q"],
  ];
  test.each(given)("are read from %s", async (_, protocols, options, field) => {
    const { url, peers } = await rawServer(() => undefined);
    const client = connect(url, protocols as never, options);
    while (!peers[0]?.request.includes("\r\n\r\n")) await new Promise((go) => setImmediate(go));
    expect(fieldsOf(peers[0].request)["sec-websocket-protocol"]).toBe(field);
    client.terminate();
    await next(client, "close");
  });
});

describe("the options", () => {
  test("an unsupported protocol version throws a RangeError", () => {
    const create = (): WebSocket => new WebSocket("ws://localhost", { protocolVersion: 1000 });
    const text = "Unsupported protocol version: 1000 (supported versions: 8, 13)";
    expect(create).toThrow(new RangeError(text));
  });

  test("the URL overrides options of the same meaning", () => {
    const options = { host: "other", port: 1, path: "/no", method: "POST", hostname: "no" };
    expect(asked("ws://localhost:2/yes", options as ClientOptions)).toMatchObject({
      host: "localhost",
      port: "2",
      path: "/yes",
      method: "GET",
    });
  });

  test("given objects are not changed", () => {
    const headers = { a: "b" };
    const options: ClientOptions = { headers, origin: "o" };
    const before = Object.keys(options);
    keep(new WebSocket("ws://localhost:1", options)).terminate();
    expect(Object.keys(options)).toEqual(before);
    expect(options.headers).toBe(headers);
    expect(headers).toEqual({ a: "b" });
  });

  test("others are passed to the request", () => {
    const options = { family: 6, localAddress: "::1", servername: "x" };
    expect(asked("ws://localhost", options)).toMatchObject(options);
  });
});

describe("a socket that is created with null", () => {
  test("is connecting, and not connected to a server", () => {
    const socket = new WebSocket(null, undefined, {});
    expect(socket.readyState).toBe(0);
    expect(socket._isServer).toBe(true);
    expect(socket.url).toBeUndefined();
    expect(socket._socket).toBeNull();
    expect(socket.protocol).toBe("");
    expect(socket.extensions).toBe("");
  });
});
