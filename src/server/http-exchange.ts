import { IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { LongwireError } from "../base/index.ts";
import { checkedFields } from "./checked-fields.ts";
import { splitTarget } from "./upgrade-request.ts";

/** A plain HTTP request on an endpoint's path, and its answer. */
export class HttpExchange {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  /** The path without the query, as it came: not decoded. */
  readonly path: string;
  readonly search: string;

  constructor(incoming: IncomingMessage, response: ServerResponse) {
    const { path, search } = splitTarget(incoming.url ?? "/");
    this.incoming = incoming;
    this.response = response;
    this.method = incoming.method ?? "GET";
    this.path = path;
    this.search = search;
    // A client that goes away in the middle is no fault of ours.
    response.on("error", () => {});
  }

  get remoteAddress(): string | undefined {
    return this.incoming.socket.remoteAddress;
  }

  header(name: string): string | undefined {
    const value = this.incoming.headers[name.toLowerCase()];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  /**
   * Reads the whole body as text.
   *
   * @throws LongwireError `too_large` beyond `maxBytes`; what was read by then is dropped
   */
  async body(maxBytes: number): Promise<string> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of this.incoming as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) {
        const message = `The body has more than ${maxBytes} bytes; send less.`;
        throw new LongwireError("too_large", message);
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString("utf8");
  }

  /** Answers with all there is to say; over HTTP/2 without what is about a connection. */
  answer(status: number, headers: Record<string, string>, body: string): void {
    if (this.isOver) return;
    this.response.writeHead(status, { ...this.#fields(headers), ...lengthOf(status, body) });
    this.response.end(body);
  }

  /** Answers with a body that goes on; `write` adds to it. */
  beginStream(headers: Record<string, string>): void {
    this.response.writeHead(200, this.#fields(headers));
    this.response.flushHeaders();
  }

  /** Answers that the server failed, where nothing has been said yet. */
  fail(headers: Record<string, string>, body: string): void {
    const { response } = this;
    if (response.headersSent) return;
    // Over HTTP/2 they may be what failed, and would again.
    if (this.#isOverHttp2) for (const name of OF_CONNECTION) response.removeHeader(name);
    this.answer(500, headers, body);
  }

  #fields(headers: Record<string, string>): Record<string, string> {
    const fields = checkedFields(headers);
    if (!this.#isOverHttp2) return fields;
    const left = Object.entries(fields).filter(([name]) => !OF_CONNECTION.has(name.toLowerCase()));
    return Object.fromEntries(left);
  }

  /** Not by its version: what comes over HTTP/1.1 may say that it is 2.0. */
  get #isOverHttp2(): boolean {
    return !(this.incoming instanceof IncomingMessage);
  }

  /** Adds to a begun stream; `onDrain` says when what was buffered is gone. */
  write(bytes: Uint8Array): void {
    if (!this.isOver) this.response.write(bytes);
  }

  /** Bytes of a begun stream that the operating system has not taken. */
  get bufferedAmount(): number {
    return this.response.writableLength;
  }

  end(): void {
    this.response.end();
  }

  onDrain(proceed: () => void): void {
    this.response.on("drain", proceed);
  }

  onClosed(ended: () => void): void {
    this.response.on("close", ended);
  }

  get isOver(): boolean {
    // Over HTTP/2 it is the stream that tells of its end.
    const { writableEnded, destroyed, stream } = this.response as ServerResponse & {
      stream?: Duplex;
    };
    return writableEnded || destroyed || stream?.destroyed === true;
  }
}

/** Not for a stream of HTTP/2 to say; Node throws then. (RFC 9113 §8.2.2) */
const OF_CONNECTION: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
]);

function lengthOf(status: number, body: string): Record<string, string> {
  return status === 304 ? {} : { "Content-Length": String(Buffer.byteLength(body)) };
}
