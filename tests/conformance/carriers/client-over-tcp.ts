import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import type { Carrier, Opened, Opening } from "./carrier.ts";
import { dial } from "./dialled-application.ts";
import { answerUpgrade } from "./http1-handshake.ts";
import { RawPipe } from "./raw-pipe.ts";

/** A raw server for Longwire's client over TCP. */
export class ClientOverTcp implements Carrier {
  readonly #server = createServer({ allowHalfOpen: true, noDelay: true });
  readonly #listening = new Promise((resolve) => {
    this.#server.listen(0, "127.0.0.1", () => resolve(undefined));
  });

  async open({ settings, extensions }: Opening): Promise<Opened> {
    await this.#listening;
    const connection = once(this.#server, "connection");
    const { port } = this.#server.address() as AddressInfo;
    const application = dial(`ws://127.0.0.1:${port}`, settings);
    const [socket] = (await connection) as [Socket];
    const asked = await answerUpgrade(socket, extensions);
    await application.settled;
    const pipe = new RawPipe(socket, () => socket.resetAndDestroy());
    return { pipe, application, extensions: asked.extensions };
  }

  async stop(): Promise<void> {
    this.#server.close();
  }
}
