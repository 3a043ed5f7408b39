import { once } from "node:events";
import { connect, type ConnectionOptions } from "node:tls";
import type { Carrier, Dialled, Opened, Opening } from "./carrier.ts";
import { certificate } from "./certificate.ts";
import { askForUpgrade } from "./http1-handshake.ts";
import { RawPipe } from "./raw-pipe.ts";
import { OurServers } from "./served-application.ts";

/** A raw client for Longwire's server over TLS and HTTP/1.1. */
export class ServerOverTls implements Carrier {
  readonly #servers = new OurServers(certificate());

  async open({ settings, extensions }: Opening): Promise<Opened> {
    const { server, port } = await this.#servers.with(settings);
    const application = server.next();
    const dialled = await dialTls(port, { ca: certificate().cert }, extensions);
    return { ...dialled, application: await application };
  }

  stop(): Promise<void> {
    return this.#servers.stop();
  }
}

/** Opens a raw connection to a server on this machine. */
export async function dialTls(
  port: number,
  trust: ConnectionOptions,
  extensions?: string,
): Promise<Dialled> {
  const options = {
    port,
    host: "127.0.0.1",
    ALPNProtocols: ["http/1.1"],
    // Node passes it on to the socket, although its types do not include it.
    allowHalfOpen: true,
    ...trust,
  };
  const socket = connect(options as ConnectionOptions);
  socket.setNoDelay(true);
  await once(socket, "secureConnect");
  const answered = await askForUpgrade(socket, extensions);
  const pipe = new RawPipe(socket, () => socket.destroy());
  return { pipe, extensions: answered };
}
