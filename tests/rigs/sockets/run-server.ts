import { onTestFinished } from "vitest";
import {
  WebSocketServer,
  type Closure,
  type Endpoint,
  type Listening,
  type ListenOptions,
  type Peer,
  type WebSocketServerOptions,
} from "../../../src/server/index.ts";

export interface RunningServer extends Listening {
  server: WebSocketServer;
  /** `http://…` or `https://…` on the same port. */
  httpUrl: string;
}

/** Starts a server that is closed at the end of the test. */
export async function runServer(
  endpoint: Endpoint | readonly Endpoint[],
  options: WebSocketServerOptions & { listen?: ListenOptions } = {},
): Promise<RunningServer> {
  const { listen, ...limits } = options;
  const server = new WebSocketServer(endpoint, limits);
  const listening = await server.listen(listen);
  onTestFinished(() => server.close({ timeoutMs: 200 }));
  return { ...listening, server, httpUrl: listening.url.replace(/^ws/, "http") };
}

/** An endpoint that echoes every message. */
export const echo: Endpoint = {
  origins: "any",
  onMessage: (peer, message) => void peer.send(message),
};

/** An endpoint whose calls a test can await. */
export class Witness implements Endpoint {
  readonly messages: (string | Uint8Array)[] = [];
  readonly closures: Closure[] = [];
  readonly errors: Error[] = [];
  readonly #waiting: { isMet: () => boolean; resolve: () => void }[] = [];
  peer: Peer | undefined;

  onOpen(peer: Peer): void {
    this.peer = peer;
    this.#check();
  }

  onMessage(_peer: Peer, message: string | Uint8Array): void {
    this.messages.push(message);
    this.#check();
  }

  onClose(_peer: Peer, closure: Closure): void {
    this.closures.push(closure);
    this.#check();
  }

  onError(error: Error): void {
    this.errors.push(error);
    this.#check();
  }

  /** Resolves once `isMet` holds; checked after every call from the server. */
  until(isMet: () => boolean): Promise<void> {
    if (isMet()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ isMet, resolve }));
  }

  async opened(): Promise<Peer> {
    await this.until(() => this.peer !== undefined);
    return this.peer!;
  }

  async closed(): Promise<Closure> {
    await this.until(() => this.closures.length > 0);
    return this.closures[0]!;
  }

  #check(): void {
    for (const waiting of this.#waiting) if (waiting.isMet()) waiting.resolve();
  }
}
