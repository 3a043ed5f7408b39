import { once } from "node:events";
import { connect } from "node:net";
import type { Carrier, Dialled, Opened, Opening } from "./carrier.ts";
import { askForUpgrade } from "./http1-handshake.ts";
import { RawPipe } from "./raw-pipe.ts";
import { OurServers } from "./served-application.ts";

/** A raw client for Longwire's server over TCP. */
export class ServerOverTcp implements Carrier {
  readonly #servers = new OurServers();

  async open({ settings, extensions }: Opening): Promise<Opened> {
    const { server, port } = await this.#servers.with(settings);
    const application = server.next();
    const dialled = await dialTcp(port, extensions);
    return { ...dialled, application: await application };
  }

  stop(): Promise<void> {
    return this.#servers.stop();
  }
}

/** Opens a raw connection to a server on this machine. */
export async function dialTcp(port: number, extensions?: string): Promise<Dialled> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
  await once(socket, "connect");
  const answered = await askForUpgrade(socket, extensions);
  const pipe = new RawPipe(socket, () => socket.resetAndDestroy());
  return { pipe, extensions: answered };
}
