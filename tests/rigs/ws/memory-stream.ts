import type { IncomingMessage } from "node:http";
import { Duplex } from "node:stream";
import { KEY } from "../sockets/raw-client.ts";
import type { WebSocket, WebSocketServer } from "./implementation.ts";

type Done = (error?: Error | null) => void;

/** Returns two streams, each of which reads what is written to the other. */
export function duplexPair(): [Duplex, Duplex] {
  const ends: [MemoryStream, MemoryStream] = [new MemoryStream(), new MemoryStream()];
  ends[0].other = ends[1];
  ends[1].other = ends[0];
  return ends;
}

class MemoryStream extends Duplex {
  other: MemoryStream | undefined;

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.other?.push(chunk);
    setImmediate(done);
  }

  override _final(done: Done): void {
    this.other?.push(null);
    done();
  }
}

/** A stream whose input the test provides, and whose writes it can delay. */
export class SlowPipe extends Duplex {
  readonly written: Buffer[] = [];
  #isStalled = false;

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.written.push(chunk);
    if (!this.#isStalled) setImmediate(done);
  }

  override _final(done: Done): void {
    done();
  }

  /** From now on, writes do not complete. */
  stall(): void {
    this.#isStalled = true;
  }

  receive(bytes: Uint8Array): void {
    this.push(bytes);
  }

  /** Makes a server upgrade it. */
  upgrade(wss: WebSocketServer, headers: Record<string, string> = {}): Promise<WebSocket> {
    const request = upgradeRequest(headers);
    return new Promise((resolve) => {
      wss.handleUpgrade(request, this, Buffer.alloc(0), resolve);
    });
  }
}

/** Returns a valid request, with the properties that a server reads. */
export function upgradeRequest(headers: Record<string, unknown> = {}): IncomingMessage {
  const own = {
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-key": KEY,
    "sec-websocket-version": "13",
  };
  return { method: "GET", url: "/", headers: { ...own, ...headers } } as never;
}
