import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocketServer } from "../../rigs/ws/implementation.ts";
import { connect, endWithTest, keep, next } from "../../rigs/ws/rig.ts";

type Fields = Record<string, string | undefined>;

/** An HTTP server on a Unix socket or a free port. */
async function listenOn(path: string | undefined, server: Server): Promise<string> {
  await new Promise<void>((resolve) => {
    if (path === undefined) server.listen(0, "127.0.0.1", resolve);
    else server.listen(path, resolve);
  });
  onTestFinished(() => void server.close());
  const address = server.address() as { port: number };
  return path === undefined ? `ws://127.0.0.1:${address.port}` : `ws+unix:${path}`;
}

const unixPath = (): string => join(tmpdir(), `longwire-${randomUUID()}.sock`);

/** Returns the headers that a second server receives after a redirect from the first. */
async function shown(
  [from, to]: [string | undefined, string | undefined],
  isHeard: boolean,
): Promise<Fields> {
  const second = createServer();
  const wss = new WebSocketServer({ server: second });
  endWithTest(wss);
  const connection = new Promise<Fields>((resolve) => {
    wss.on("connection", (peer, request) => {
      keep(peer);
      resolve(request.headers as Fields);
    });
  });
  const location = await listenOn(to, second);
  const first = createServer().on("upgrade", (_request, socket) => {
    socket.end(`HTTP/1.1 302 Found\r\nLocation: ${location}\r\n\r\n`);
  });
  const headers = { authorization: "Basic Zm9v", cookie: "a=b", host: "foo" };
  const client = connect(await listenOn(from, first), { followRedirects: true, headers });
  if (isHeard) client.on("redirect", () => {});
  await next(client, "open");
  return connection;
}

const ways: [string, () => [string | undefined, string | undefined]][] = [
  ["TCP to a Unix socket", () => [undefined, unixPath()]],
  ["a Unix socket to another", () => [unixPath(), unixPath()]],
  ["a Unix socket to TCP", () => [unixPath(), undefined]],
];

describe.each(ways)("a redirect from %s", (_, way) => {
  test("counts as another host", async () => {
    const fields = await shown(way(), false);
    expect(fields["authorization"]).toBeUndefined();
    expect(fields["cookie"]).toBeUndefined();
    expect(fields["host"]).toMatch(/^(localhost|127\.0\.0\.1:\d+)$/);
  });

  test("keeps everything if there is a listener", async () => {
    const fields = await shown(way(), true);
    expect(fields).toMatchObject({ authorization: "Basic Zm9v", cookie: "a=b", host: "foo" });
  });
});
