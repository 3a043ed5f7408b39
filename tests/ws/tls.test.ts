import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server, type ServerOptions as TlsServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { ClientInfo } from "../../src/ws/server/server-options.ts";
import { WebSocketServer, type ServerOptions, type WebSocket } from "../rigs/ws/implementation.ts";
import { closed, connect, endWithTest, failed, keep, Log, message, next } from "../rigs/ws/rig.ts";

let own: { cert: Buffer; key: Buffer };
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "longwire-ws-tls-"));
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
  const names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  const files = ["-keyout", key, "-out", cert];
  execFileSync("openssl", [...request.split(" "), ...names, ...files], { stdio: "pipe" });
  own = { cert: readFileSync(cert), key: readFileSync(key) };
});

afterAll(() => rmSync(folder, { recursive: true }));

async function listenTls(
  tlsOptions: TlsServerOptions = {},
  options: ServerOptions = {},
): Promise<{ wss: WebSocketServer; server: Server; port: number; url: string }> {
  const server = createServer({ ...own, ...tlsOptions });
  const wss = new WebSocketServer({ server, ...options });
  endWithTest(wss);
  wss.on("connection", keep);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { wss, server, port, url: `wss://127.0.0.1:${port}` };
}

describe("over TLS", () => {
  test("a client may accept any certificate", async () => {
    const { url, wss } = await listenTls();
    const connection = next(wss, "connection");
    const client = connect(url, { rejectUnauthorized: false });
    const log = new Log(client);
    const [peer] = (await connection) as [WebSocket];
    peer.close();
    expect(await log.closed).toEqual(["upgrade", "open", "close 1005"]);
  });

  test("a client rejects an untrusted certificate, and accepts one that the option ca trusts", async () => {
    const { url } = await listenTls();
    expect((await failed(connect(url))).code).toBe("DEPTH_ZERO_SELF_SIGNED_CERT");
    await next(connect(url, { ca: own.cert }), "open");
  });

  test("a client may present a certificate, and the server's stream reports whether it is valid", async () => {
    const { url, wss } = await listenTls({ ca: own.cert, requestCert: true });
    const connection = next(wss, "connection");
    const client = connect(url, { ...own, rejectUnauthorized: false });
    const [peer] = (await connection) as [WebSocket];
    const stream = peer._socket as TLSSocket;
    expect(stream.authorized).toBe(true);
    expect(stream.getPeerCertificate().subject.CN).toBe("127.0.0.1");
    const end = closed(client);
    peer.close();
    expect((await end).code).toBe(1005);
  });

  test("text arrives even if a close follows immediately", async () => {
    const { url, wss } = await listenTls();
    const connection = next(wss, "connection");
    const client = connect(url, { rejectUnauthorized: false });
    client.on("open", () => {
      client.send("foobar");
      client.close();
    });
    const [peer] = (await connection) as [WebSocket];
    expect(await new Log(peer).closed).toEqual(["text foobar", "close 1005"]);
  });

  test("a long message is echoed unchanged", async () => {
    const { url, wss } = await listenTls();
    wss.on("connection", (peer: WebSocket) => peer.on("message", (data) => peer.send(data)));
    const client = connect(url, { rejectUnauthorized: false });
    await next(client, "open");
    const bytes = Buffer.alloc(5 * 1024 * 1024, "longwire");
    client.send(bytes);
    expect(bytes.equals((await message(client)).data as Buffer)).toBe(true);
  });

  test("ws:// to a TLS server is an error", async () => {
    const { port } = await listenTls();
    const log = new Log(connect(`ws://127.0.0.1:${port}`));
    const lines = await log.closed;
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^error /);
  });

  test("incompatible TLS versions cause one error", async () => {
    const { url } = await listenTls({ minVersion: "TLSv1.3" });
    const client = connect(url, { maxVersion: "TLSv1.2", rejectUnauthorized: false });
    const lines = await new Log(client).closed;
    expect(lines).toEqual([expect.stringMatching(/^error /), "close 1006"]);
  });

  test.each([
    [undefined, "localhost", "localhost"],
    ["", "localhost", false],
    [undefined, "127.0.0.1", false],
    ["other.example", "127.0.0.1", "other.example"],
  ])("the option servername %s for %s is sent as %s", async (servername, host, name) => {
    const { server, port } = await listenTls();
    const secured = next(server, "secureConnection");
    const options = { rejectUnauthorized: false, ...(servername !== undefined && { servername }) };
    connect(`wss://${host}:${port}`, { ...options, family: 4 });
    const [stream] = (await secured) as [TLSSocket];
    expect((stream as TLSSocket & { servername: unknown }).servername).toBe(name);
  });

  test("createConnection may start TLS itself", async () => {
    const { url, port } = await listenTls();
    const client = connect(url, {
      createConnection: () => connectTls({ port, host: "127.0.0.1", ca: own.cert }),
    });
    await next(client, "open");
  });
});

describe("verifyClient over TLS", () => {
  test("receives that the connection is secure, the origin and the request", async () => {
    const seen: unknown[] = [];
    const { url } = await listenTls(
      {},
      {
        verifyClient: (info: ClientInfo) => {
          seen.push(info.secure, info.origin, info.req.headers["foo"]);
          return true;
        },
      },
    );
    const options = { headers: { foo: "bar" }, origin: "https://example.com" };
    await next(connect(url, { ...options, rejectUnauthorized: false }), "open");
    expect(seen).toEqual([true, "https://example.com", "bar"]);
  });
});
