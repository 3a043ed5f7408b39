import { once } from "node:events";
import {
  connect,
  constants,
  type ClientHttp2Session,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from "node:http2";
import type { ConnectionOptions } from "node:tls";
import type { Carrier, Dialled, Opened, Opening } from "./carrier.ts";
import { certificate } from "./certificate.ts";
import { RawPipe } from "./raw-pipe.ts";
import { OurServers } from "./served-application.ts";

/**
 * A raw client for Longwire's server over HTTP/2: one stream per WebSocket, one connection per
 * server.
 */
export class ServerOverHttp2 implements Carrier {
  readonly #servers = new OurServers(certificate());
  readonly #sessions = new Map<number, Promise<ClientHttp2Session>>();

  async open({ settings, extensions }: Opening): Promise<Opened> {
    const { server, port } = await this.#servers.with(settings);
    const application = server.next();
    const dialled = await dialHttp2(await this.#sessionTo(port), extensions);
    return { ...dialled, application: await application };
  }

  async stop(): Promise<void> {
    for (const session of await Promise.all(this.#sessions.values())) session.close();
    await this.#servers.stop();
  }

  /** Breaks all HTTP/2 connections. */
  async breakOff(): Promise<void> {
    for (const session of await Promise.all(this.#sessions.values())) session.destroy();
    this.#sessions.clear();
  }

  #sessionTo(port: number): Promise<ClientHttp2Session> {
    let session = this.#sessions.get(port);
    if (session === undefined) {
      session = openSession(port, { ca: certificate().cert });
      this.#sessions.set(port, session);
    }
    return session;
  }
}

/** Opens an HTTP/2 connection to a server on this machine. */
export async function openSession(
  port: number,
  trust: ConnectionOptions,
): Promise<ClientHttp2Session> {
  const session = connect(`https://127.0.0.1:${port}`, trust);
  await once(session, "remoteSettings");
  // Clients may use extended CONNECT only with this setting. (RFC 8441 §3)
  if (session.remoteSettings.enableConnectProtocol !== true) {
    throw new Error("The server did not announce SETTINGS_ENABLE_CONNECT_PROTOCOL.");
  }
  return session;
}

/** Opens a WebSocket stream. */
export async function dialHttp2(
  session: ClientHttp2Session,
  extensions?: string,
): Promise<Dialled> {
  const stream = session.request(
    {
      ":method": "CONNECT",
      ":protocol": "websocket",
      ":scheme": "https",
      ":authority": "127.0.0.1",
      ":path": "/",
      "sec-websocket-version": "13",
      ...(extensions !== undefined && { "sec-websocket-extensions": extensions }),
    },
    { endStream: false },
  );
  const [answer] = (await once(stream, "response")) as [
    IncomingHttpHeaders & IncomingHttpStatusHeader,
  ];
  checkAnswer(answer);
  const pipe = new RawPipe(stream, () => stream.close(constants.NGHTTP2_CANCEL));
  return { pipe, extensions: answer["sec-websocket-extensions"] };
}

/** The accept value and connection headers are not allowed. (RFC 8441 §5) */
function checkAnswer(answer: IncomingHttpHeaders & IncomingHttpStatusHeader): void {
  const stray = ["sec-websocket-accept", "upgrade", "connection"].filter((name) => name in answer);
  if (answer[":status"] === 200 && stray.length === 0) return;
  throw new Error(`The server responded ${JSON.stringify(answer)}.`);
}
