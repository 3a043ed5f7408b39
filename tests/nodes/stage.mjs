import assert from "node:assert/strict";
import { openWebSocket } from "../../dist/client/index.js";
import { WebSocketServer } from "../../dist/server/index.js";
import { Arrivals, turns } from "./arrivals.mjs";
import { RawClient } from "./raw-client.mjs";

/** The options that put Longwire into the position that this run is for. */
export const position = process.argv.includes("--no-node-internals")
  ? { nodeInternals: false }
  : {};

export const isPublicApiOnly = process.env.LONGWIRE_PUBLIC_API_ONLY === "1";

/** Whether undocumented parts of Node are to be seen in use. */
export const areInternalsExpected = position.nodeInternals !== false && !isPublicApiOnly;

/** Everything that one check has opened; `clear` ends it and checks that every end was reported. */
export class Stage {
  #afterwards = [];
  #opened = 0;
  #closures = new Arrivals();

  after(step) {
    this.#afterwards.push(step);
  }

  /** A server; each peer's events are counted. */
  make(endpoint, options = {}) {
    const endpoints = [endpoint].flat().map((one) => this.#counted(one));
    return new WebSocketServer(endpoints, { ...position, ...options });
  }

  async serve(endpoint, options, listening) {
    const server = this.make(endpoint, options);
    const { port, url } = await server.listen(listening);
    this.after(() => server.close({ timeoutMs: 1000 }));
    return { server, port, url };
  }

  raw(port) {
    const client = new RawClient(port);
    this.after(() => client.socket.destroy());
    return client;
  }

  async rawOpen(port, path, further) {
    const client = this.raw(port);
    await client.upgrade(path, further);
    return client;
  }

  /** A server of the application's own, to which Longwire is attached. */
  async attach(http, endpoint = echo, where = { port: 0, host: "127.0.0.1" }) {
    const server = this.make(endpoint);
    server.attach(http);
    await new Promise((resolve) => http.listen(where, resolve));
    this.after(async () => {
      await server.close({ timeoutMs: 1000 });
      http.close();
      http.closeAllConnections();
    });
    return { server, port: http.address().port };
  }

  /** A client of Longwire's that is open. */
  async open(url, options = {}) {
    const socket = openWebSocket(url, { ...position, ...options });
    socket.binaryType = "arraybuffer";
    const messages = new Arrivals();
    const closed = new Promise((resolve) => {
      socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean });
    });
    socket.onmessage = ({ data }) => messages.push(data);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = (event) => reject(event.error ?? new Error("The client failed."));
    });
    return { socket, messages, closed };
  }

  async clear() {
    for (const step of this.#afterwards.splice(0).reverse()) await step();
    const closed = await this.#closures.take(this.#opened);
    await turns();
    assert.equal(
      new Set(closed).size + this.#closures.size,
      this.#opened,
      "onClose is called once",
    );
  }

  #counted(endpoint) {
    return {
      ...endpoint,
      onOpen: (peer, request) => {
        this.#opened += 1;
        return endpoint.onOpen?.(peer, request);
      },
      onClose: (peer, closure) => {
        this.#closures.push(peer);
        return endpoint.onClose?.(peer, closure);
      },
    };
  }
}

export const echo = { onMessage: (peer, message) => void peer.send(message) };
