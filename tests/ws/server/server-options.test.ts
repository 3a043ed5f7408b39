import { createServer } from "node:http";
import { describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer, type ServerOptions } from "../../rigs/ws/implementation.ts";
import { closed, Log, message, openPair } from "../../rigs/ws/rig.ts";

const ONE_WAY = new TypeError(
  'One and only one of the "port", "server", or "noServer" options must be specified',
);

describe("the options of a server", () => {
  const server = createServer();
  const wrong: [string, ServerOptions | undefined][] = [
    ["nothing", undefined],
    ["none", {}],
    ["all", { port: 0, noServer: true, server }],
    ["port and noServer", { port: 0, noServer: true }],
    ["port and server", { port: 0, server }],
    ["noServer and server", { noServer: true, server }],
  ];
  test.each(wrong)("with %s are rejected", (_, options) => {
    expect(() => new WebSocketServer(options)).toThrow(ONE_WAY);
  });

  test("are readable, with their defaults", () => {
    const given: ServerOptions = { noServer: true, perMessageDeflate: true, path: "/x" };
    const { options } = new WebSocketServer(given);
    expect(options).toMatchObject({
      noServer: true,
      path: "/x",
      perMessageDeflate: {},
      allowSynchronousEvents: true,
      autoPong: true,
      backlog: null,
      clientTracking: true,
      closeTimeout: 30_000,
      handleProtocols: null,
      host: null,
      maxBufferedChunks: 262_144,
      maxFragments: 16_384,
      maxPayload: 104_857_600,
      maxPendingAutoPongs: 60,
      port: null,
      server: null,
      skipUTF8Validation: false,
      verifyClient: null,
    });
    expect(options.WebSocket).toBe(WebSocket);
    expect(given.perMessageDeflate).toBe(true);
  });

  test("may contain the class of the clients, which receives all of them", async () => {
    const seen: unknown[] = [];
    class Own extends WebSocket {
      foo = "foo";

      constructor(...given: ConstructorParameters<typeof WebSocket>) {
        super(...given);
        seen.push(...given);
        this.on("open", () => seen.push("open"));
      }
    }
    const { peer, wss } = await openPair({ WebSocket: Own });
    expect(peer).toBeInstanceOf(Own);
    expect((peer as Own).foo).toBe("foo");
    expect(seen).toEqual([null, undefined, wss.options, "open"]);
    expect(seen[2]).toBe(wss.options);
  });

  test("apply to each client: maxPayload", async () => {
    const { client, peer } = await openPair({ maxPayload: 5 });
    const end = closed(client);
    client.send("123456");
    const log = new Log(peer);
    expect((await end).code).toBe(1009);
    await log.closed;
  });

  test("maxPayload 0 or undefined means no limit", async () => {
    for (const maxPayload of [0, undefined]) {
      const { client, peer } = await openPair({ maxPayload });
      const heard = message(peer);
      client.send(Buffer.alloc(1024 * 1024));
      expect(((await heard).data as Buffer).length).toBe(1024 * 1024);
    }
  });
});

test("a server accepts undefined for most of its options", async () => {
  const { client, peer } = await openPair({
    backlog: undefined,
    handleProtocols: undefined,
    path: undefined,
    perMessageDeflate: undefined,
    server: undefined,
    verifyClient: undefined,
    skipUTF8Validation: undefined,
    allowSynchronousEvents: undefined,
  });
  const heard = message(peer);
  client.send("hi");
  expect(String((await heard).data)).toBe("hi");
  expect(peer.extensions).toBe("");
});
