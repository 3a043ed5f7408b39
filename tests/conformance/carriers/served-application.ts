import {
  WebSocketServer,
  type Closure,
  type Endpoint,
  type Message,
  type Peer,
} from "../../../src/server/index.ts";
import type { Application, Closed, EndSettings } from "./carrier.ts";
import type { Certificate } from "./certificate.ts";

/** One peer of Longwire's server, as its application. */
class ServedApplication implements Application {
  readonly messages: Message[] = [];
  readonly closed: Promise<Closed>;
  readonly #peer: Peer;
  #close: (closed: Closed) => void = () => {};

  constructor(peer: Peer) {
    this.#peer = peer;
    this.closed = new Promise((resolve) => (this.#close = resolve));
  }

  send(message: Message): void {
    this.#peer.send(message);
  }

  close(code?: number, reason?: string): void {
    this.#peer.close(code, reason);
  }

  receive(message: Message): void {
    this.messages.push(message);
    this.#peer.send(message);
  }

  end({ code, reason, wasClean, error }: Closure): void {
    this.#close({ code, reason, wasClean, error: error?.code });
  }
}

/** Longwire's server with an endpoint that echoes every message. */
class OurServer implements Endpoint<ServedApplication> {
  readonly origins = "any";
  readonly #server: WebSocketServer;
  #opened: (application: Application) => void = () => {};

  constructor(settings: EndSettings) {
    this.#server = new WebSocketServer(this, settings);
  }

  listen(tls: Certificate | undefined): Promise<{ port: number }> {
    return this.#server.listen(tls && { tls });
  }

  /** Returns the application of the next peer. */
  next(): Promise<Application> {
    return new Promise((resolve) => (this.#opened = resolve));
  }

  onOpen(peer: Peer<ServedApplication>): void {
    peer.data = new ServedApplication(peer);
    this.#opened(peer.data);
  }

  onMessage(peer: Peer<ServedApplication>, message: Message): void {
    peer.data.receive(message);
  }

  onClose(peer: Peer<ServedApplication>, closure: Closure): void {
    peer.data.end(closure);
  }

  stop(): Promise<void> {
    return this.#server.close({ timeoutMs: 200 });
  }
}

export interface RunningServer {
  server: OurServer;
  port: number;
}

/** Longwire's servers, one for all connections with equal settings. */
export class OurServers {
  readonly #tls: Certificate | undefined;
  readonly #running = new Map<string, Promise<RunningServer>>();

  constructor(tls?: Certificate) {
    this.#tls = tls;
  }

  with(settings: EndSettings): Promise<RunningServer> {
    const name = JSON.stringify(settings);
    let running = this.#running.get(name);
    if (running === undefined) {
      running = this.#start(settings);
      this.#running.set(name, running);
    }
    return running;
  }

  async stop(): Promise<void> {
    const running = await Promise.all(this.#running.values());
    await Promise.all(running.map(({ server }) => server.stop()));
  }

  async #start(settings: EndSettings): Promise<RunningServer> {
    const server = new OurServer(settings);
    return { server, port: (await server.listen(this.#tls)).port };
  }
}
