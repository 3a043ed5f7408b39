import { Duplex, type DuplexOptions } from "node:stream";
import type { WebSocket } from "./web-socket.ts";

type Done = (error?: Error | null) => void;

/**
 * Returns a duplex stream of a socket's messages: writes are sent, and received messages are read.
 * If the stream is not read, the peer has to wait.
 */
export function createWebSocketStream(ws: WebSocket, options?: DuplexOptions): Duplex {
  return new WebSocketStream(ws, options);
}

class WebSocketStream extends Duplex {
  readonly #ws: WebSocket;
  readonly #readsObjects: boolean;
  /** Whether the socket ends on its own, with the Close frame that it still has to send. */
  #isFailing = false;

  constructor(ws: WebSocket, options: DuplexOptions = {}) {
    super({
      ...options,
      autoDestroy: false,
      emitClose: false,
      objectMode: false,
      writableObjectMode: false,
    });
    this.#ws = ws;
    this.#readsObjects = options.readableObjectMode === true;
    ws.on("message", (data: Buffer, isBinary: boolean) => this.#receive(data, isBinary));
    ws.once("error", (error: Error) => {
      if (this.destroyed) return;
      this.#isFailing = true;
      this.destroy(error);
    });
    ws.once("close", () => {
      if (!this.destroyed) this.push(null);
    });
    this.on("end", () => {
      if (!this.destroyed && this.writableFinished) this.destroy();
    });
    this.on("error", onlyListener);
  }

  override _read(): void {
    if (this.#ws.isPaused) this.#ws.resume();
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: Done): void {
    const ws = this.#ws;
    if (ws.readyState === ws.CONNECTING) ws.once("open", () => this._write(chunk, encoding, done));
    else ws.send(chunk, done);
  }

  override _final(done: Done): void {
    const ws = this.#ws;
    if (ws.readyState === ws.CONNECTING) {
      ws.once("open", () => this._final(done));
      return;
    }
    const socket = ws._socket;
    // The handshake failed; the socket's error event reports why.
    if (socket === null) return;
    if (socket.writableFinished) {
      done();
      if (this.readableEnded) this.destroy();
      return;
    }
    socket.once("finish", () => done());
    ws.close();
  }

  override _destroy(error: Error | null, done: Done): void {
    const ws = this.#ws;
    const emitClose = (): void => void this.emit("close");
    if (ws.readyState === ws.CLOSED) {
      done(error);
      process.nextTick(emitClose);
      return;
    }
    let isDone = false;
    const finish = (reason: Error | null): void => {
      if (!isDone) done(reason);
      isDone = true;
    };
    ws.once("error", finish);
    ws.once("close", () => {
      finish(error);
      process.nextTick(emitClose);
    });
    if (!this.#isFailing) ws.terminate();
  }

  #receive(data: Buffer, isBinary: boolean): void {
    const chunk = !isBinary && this.#readsObjects ? data.toString() : data;
    if (!this.push(chunk)) this.#ws.pause();
  }
}

/** Throws an error that has no other listener. */
function onlyListener(this: Duplex, error: Error): void {
  this.off("error", onlyListener);
  this.destroy();
  if (this.listenerCount("error") === 0) this.emit("error", error);
}
