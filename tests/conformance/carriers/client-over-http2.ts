import { once } from "node:events";
import {
  constants,
  createSecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import type { Carrier, Opened, Opening } from "./carrier.ts";
import { certificate } from "./certificate.ts";
import { dial } from "./dialled-application.ts";
import { RawPipe } from "./raw-pipe.ts";

/**
 * A raw server for Longwire's client over HTTP/2; the client opens all streams on one connection.
 */
export class ClientOverHttp2 implements Carrier {
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #server = createSecureServer({
    ...certificate(),
    settings: { enableConnectProtocol: true },
  });
  readonly #listening = new Promise((resolve) => {
    this.#server.listen(0, "127.0.0.1", () => resolve(undefined));
  });
  readonly #tls = { ca: certificate().cert };

  constructor() {
    this.#server.on("session", (session) => this.#sessions.add(session));
    // With a listener, Node leaves the response to the test.
    this.#server.on("connect", () => {});
  }

  /** The number of HTTP/2 connections that clients have opened. */
  get connections(): number {
    return this.#sessions.size;
  }

  async open({ settings, extensions }: Opening): Promise<Opened> {
    await this.#listening;
    const opened = once(this.#server, "stream");
    const { port } = this.#server.address() as AddressInfo;
    const application = dial(`wss://127.0.0.1:${port}`, settings, { tls: this.#tls, http2: true });
    const [stream, headers] = (await opened) as [ServerHttp2Stream, IncomingHttpHeaders];
    checkConnect(headers);
    stream.respond({
      ":status": 200,
      ...(extensions !== undefined && { "sec-websocket-extensions": extensions }),
    });
    await application.settled;
    const pipe = new RawPipe(stream, () => stream.close(constants.NGHTTP2_CANCEL));
    return { pipe, application, extensions: headers["sec-websocket-extensions"] };
  }

  async stop(): Promise<void> {
    this.#server.close();
    await this.breakOff();
  }

  /** Breaks all HTTP/2 connections. */
  async breakOff(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    this.#sessions.clear();
  }
}

const ASKED = { ":method": "CONNECT", ":protocol": "websocket", ":scheme": "https", ":path": "/" };

/** The key and connection headers are not allowed. (RFC 8441 §5) */
function checkConnect(headers: IncomingHttpHeaders): void {
  const stray = ["sec-websocket-key", "upgrade", "connection"].filter((name) => name in headers);
  const asked = Object.entries(ASKED).every(([name, value]) => headers[name] === value);
  if (asked && headers["sec-websocket-version"] === "13" && stray.length === 0) return;
  throw new Error(`The client sent ${JSON.stringify(headers)}.`);
}
