import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type TlsOptions, type TLSSocket } from "node:tls";
import type { Carrier, Opened, Opening } from "./carrier.ts";
import { certificate } from "./certificate.ts";
import { dial } from "./dialled-application.ts";
import { answerUpgrade } from "./http1-handshake.ts";
import { RawPipe } from "./raw-pipe.ts";

/** A raw server for Longwire's client over TLS and HTTP/1.1. */
export class ClientOverTls implements Carrier {
  readonly #server = createServer({
    ...certificate(),
    allowHalfOpen: true,
    noDelay: true,
  } as TlsOptions);
  readonly #listening = new Promise((resolve) => {
    this.#server.listen(0, "127.0.0.1", () => resolve(undefined));
  });
  readonly #tls = { ca: certificate().cert };

  async open({ settings, extensions }: Opening): Promise<Opened> {
    await this.#listening;
    const connection = once(this.#server, "secureConnection");
    const { port } = this.#server.address() as AddressInfo;
    const application = dial(`wss://127.0.0.1:${port}`, settings, { tls: this.#tls });
    const [socket] = (await connection) as [TLSSocket];
    const asked = await answerUpgrade(socket, extensions);
    await application.settled;
    const pipe = new RawPipe(socket, () => socket.destroy());
    return { pipe, application, extensions: asked.extensions };
  }

  async stop(): Promise<void> {
    this.#server.close();
  }
}
