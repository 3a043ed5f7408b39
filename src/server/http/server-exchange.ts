import { IncomingMessage, type ServerResponse } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { HolderAccount, LongwireError, type Payer, type TimerWheel } from "../../base/index.ts";
import type { HttpExchange } from "./http-exchange.ts";
import { AnswerOutput } from "./answer-output.ts";
import { checkedFields } from "../checked-fields.ts";
import { LINGER_MS } from "../accept/refuse.ts";
import { BODY_CHUNK_BYTES, REQUEST_BYTES, UNREAD_BODY_BYTES } from "../server-limits.ts";
import { splitTarget } from "../accept/received-upgrade.ts";

/** The services that an exchange needs from its server. */
export interface ExchangeHost {
  payer: Payer;
  /** The client's address, as reported by trusted proxies. */
  clientAddress: string | undefined;
  wheel: TimerWheel;
  /** How long receiving a body may take, in milliseconds. */
  bodyTimeoutMs: number;
}

/** An exchange, with the methods that its server calls. */
export class ServerExchange implements HttpExchange {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly path: string;
  readonly search: string;
  readonly clientAddress: string | undefined;
  readonly account: HolderAccount;
  readonly #host: ExchangeHost;
  readonly #output: AnswerOutput;
  /**
   * Whether the rest of the body will not be read, so that no other request can follow on the
   * connection.
   */
  #leavesBody = false;

  constructor(incoming: IncomingMessage, response: ServerResponse, host: ExchangeHost) {
    const { path, search } = splitTarget(incoming.url ?? "/");
    this.incoming = incoming;
    this.response = response;
    this.method = incoming.method ?? "GET";
    this.path = path;
    this.search = search;
    this.clientAddress = host.clientAddress;
    this.#host = host;
    this.account = new HolderAccount(host.payer, this);
    this.#output = new AnswerOutput(response, this.account, host.wheel);
    // A client that disconnects in the middle is not an error.
    response.on("error", () => {});
    response.on("close", () => this.account.close());
  }

  /** Sets headers that every response has. */
  addFields(fields: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(fields)) this.response.setHeader(name, value);
  }

  /** Charges the cost of the request itself; returns false if its payer has no room. */
  chargeRequest(): boolean {
    return this.account.charge(REQUEST_BYTES + (this.#hasBody ? UNREAD_BODY_BYTES : 0));
  }

  get #hasBody(): boolean {
    const { stream } = this.incoming as { stream?: ServerHttp2Stream };
    return stream === undefined ? hasBodyFields(this.incoming) : !stream.endAfterHeaders;
  }

  /** Called when other clients need the memory that it holds. */
  onEvicted(): void {
    this.#output.cut();
  }

  get remoteAddress(): string | undefined {
    return this.incoming.socket.remoteAddress;
  }

  header(name: string): string | undefined {
    const value = this.incoming.headers[name.toLowerCase()];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  async body(maxBytes: number): Promise<string> {
    if (this.#hasBody && this.incoming.readableDidRead) throw bodyConsumed();
    if (Number(this.header("content-length") ?? 0) > maxBytes) {
      this.#leavesBody = true;
      throw tooLarge(maxBytes);
    }
    const { wheel, bodyTimeoutMs } = this.#host;
    let isLate = false;
    const timer = wheel.after(bodyTimeoutMs, () => {
      isLate = true;
      this.incoming.destroy();
    });
    try {
      return await this.#read(maxBytes);
    } catch (error) {
      throw isLate ? bodyTimeout(bodyTimeoutMs) : error;
    } finally {
      timer.cancel();
    }
  }

  async #read(maxBytes: number): Promise<string> {
    const chunks: Buffer[] = [];
    // The iterator must not destroy the request, because the error response is still to be sent.
    const body = this.incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
    let size = 0;
    let charged = 0;
    try {
      for await (const chunk of body) {
        if (size + chunk.length > maxBytes) throw tooLarge(maxBytes);
        const cost = chunk.length + BODY_CHUNK_BYTES;
        if (!this.account.charge(cost)) throw overShare();
        charged += cost;
        size += chunk.length;
        chunks.push(chunk);
      }
      return Buffer.concat(chunks).toString("utf8");
    } catch (error) {
      this.#leavesBody = true;
      throw error;
    } finally {
      this.account.refund(charged);
    }
  }

  answer(
    status: number,
    headers: Readonly<Record<string, string>>,
    body: string | Uint8Array,
  ): void {
    if (this.isOver) return;
    const endsConnection = this.#leavesBody && !this.#isOverHttp2;
    const last = endsConnection ? { Connection: "close" } : {};
    const fields = { ...this.#fields(headers), ...lengthOf(status, body), ...last };
    this.response.writeHead(status, fields);
    if (endsConnection) this.#endAfterBody(body);
    else this.response.end(body);
    this.#output.onWritten();
  }

  /**
   * Ends the response, and the connection once the client has sent the rest of the body or the time
   * is up. Unread bytes would turn the close into a reset, and the client could lose the response.
   * (RFC 9112 §9.6)
   */
  #endAfterBody(answer: string | Uint8Array): void {
    const { incoming, response } = this;
    response.write(answer);
    const end = (): void => {
      timer.cancel();
      response.end();
    };
    const timer = this.#host.wheel.after(LINGER_MS, end);
    response.once("close", () => timer.cancel());
    if (incoming.readableEnded) return end();
    incoming.once("end", end);
    incoming.once("close", end);
    incoming.resume();
  }

  beginStream(headers: Record<string, string>): void {
    this.response.writeHead(200, this.#fields(headers));
    this.response.flushHeaders();
  }

  /** Answers with 500, unless the response has already started. */
  fail(headers: Record<string, string>, body: string): void {
    const { response } = this;
    if (response.headersSent) return;
    // Over HTTP/2 these headers may be the cause of the failure, and would fail again.
    if (this.#isOverHttp2) for (const name of OF_CONNECTION) response.removeHeader(name);
    this.answer(500, headers, body);
  }

  #fields(headers: Readonly<Record<string, string>>): Record<string, string> {
    const fields = checkedFields(headers);
    if (!this.#isOverHttp2) return fields;
    const left = Object.entries(fields).filter(([name]) => !OF_CONNECTION.has(name.toLowerCase()));
    return Object.fromEntries(left);
  }

  /** Checked by class, not by version: a request over HTTP/1.1 may claim to be HTTP/2.0. */
  get #isOverHttp2(): boolean {
    return !(this.incoming instanceof IncomingMessage);
  }

  write(bytes: Uint8Array): void {
    if (this.isOver) return;
    this.response.write(bytes);
    this.#output.onWritten();
  }

  get bufferedAmount(): number {
    return this.response.writableLength;
  }

  end(): void {
    this.response.end();
    this.#output.onWritten();
  }

  abort(): void {
    this.#output.cut();
  }

  onDrain(proceed: () => void): void {
    this.response.on("drain", proceed);
  }

  onClosed(ended: () => void): void {
    this.response.on("close", ended);
  }

  get isOver(): boolean {
    // Over HTTP/2, the stream knows whether the response has ended.
    const { writableEnded, destroyed, stream } = this.response as ServerResponse & {
      stream?: Duplex;
    };
    return writableEnded || destroyed || stream?.destroyed === true;
  }
}

/** Connection-specific headers; Node throws if an HTTP/2 stream sends one. (RFC 9113 §8.2.2) */
const OF_CONNECTION: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
]);

function lengthOf(status: number, body: string | Uint8Array): Record<string, string> {
  // (RFC 9110 §8.6)
  return status === 304 || status === 204
    ? {}
    : { "Content-Length": String(Buffer.byteLength(body)) };
}

/** (RFC 9112 §6.3) */
function hasBodyFields({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

function tooLarge(maxBytes: number): LongwireError {
  return new LongwireError(
    "too_large",
    `The request body is larger than the limit of ${maxBytes} bytes; send a smaller one.`,
  );
}

function overShare(): LongwireError {
  const message =
    "This client has used up its share of the server's memory; wait for pending responses, then try again.";
  return new LongwireError("over_share", message);
}

function bodyConsumed(): LongwireError {
  const message =
    "The request body was already read, probably by a body parser; call handleRequest before the parser.";
  return new LongwireError("body_consumed", message);
}

function bodyTimeout(timeoutMs: number): LongwireError {
  const message = `The request body did not arrive within ${timeoutMs} ms; send it faster, or send a smaller one.`;
  return new LongwireError("body_timeout", message);
}
