import { type Account, exceedsBytes, LongwireError, type TimerWheel } from "../../../base/index.ts";
import { type JsonPart, quoted, REQUEST_BYTES, textBytes } from "../../../topics/index.ts";
import type { ClientMessage, RequestId } from "../../wire/client-message.ts";
import type { Caller } from "../sessions/caller.ts";
import type { Release } from "../access/paying.ts";
import { OpenAnswers, unanswered } from "./open-answers.ts";

/** A call of a method that a client offers. */
export interface OutgoingRequest {
  readonly method: string;
  /** The params as JSON; `undefined` for none. */
  readonly params: string | undefined;
  readonly timeoutMs: number;
  /** The key of a command; absent for a call. */
  readonly command?: string;
  readonly signal: AbortSignal | undefined;
}

type Response = Extract<ClientMessage, { type: "response" }>;

interface Connection {
  readonly account: Account;
  /** The longest message that the client accepts, in bytes. */
  readonly maxBytes: () => number;
  readonly send: (text: string) => void;
  readonly follows: (topic: string) => boolean;
}

/** A client that a request can be sent to, on this node or another one. */
export interface Askable {
  /**
   * Sends a request and resolves with the answer, unparsed.
   *
   * @throws LongwireError as a rejection: `client_failed`, `client_busy`, `too_large`,
   *   `unconfirmed`, and the signal's reason; for a client of another node also `not_offered` and
   *   `unavailable`
   */
  ask(request: OutgoingRequest): Promise<JsonPart | undefined>;
}

/** The client has refused a request, or failed on it. `clientCode` is the code that it gave. */
export class ClientError extends LongwireError {
  readonly clientCode: string;

  constructor(message: string, clientCode: string) {
    super("client_failed", message);
    this.clientCode = clientCode;
  }
}

/** A connection that the server can ask: what its client offers, and the open requests. */
export class AskedClient implements Askable {
  /** The names of the methods that the client offers. */
  offers: ReadonlySet<string> = new Set();
  /** The run of the client, if it remembers commands. */
  run: string | undefined;
  /** As of its last offer. */
  caller: Caller | undefined;
  /** Settled when all its offers so far are accepted or refused. */
  offersDecided: Promise<void> = Promise.resolve();
  readonly #connection: Connection;
  readonly #answers: OpenAnswers<RequestId>;
  #ids = 0;
  #hasEnded = false;

  constructor(connection: Connection, wheel: TimerWheel) {
    this.#connection = connection;
    this.#answers = new OpenAnswers(wheel);
  }

  /** Whether the connection has ended. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether it is subscribed to a topic. */
  follows(topic: string): boolean {
    return this.#connection.follows(topic);
  }

  async ask(request: OutgoingRequest): Promise<JsonPart | undefined> {
    request.signal?.throwIfAborted();
    this.#ids += 1;
    const id = this.#ids;
    const { method, params, timeoutMs: deadline, command } = request;
    const head = JSON.stringify({ type: "request", id, method, deadline, command }).slice(0, -1);
    const text = params === undefined ? `${head}}` : `${head},"params":${params}}`;
    const release = this.#hold(method, text);
    try {
      return await this.#answered(id, text, request);
    } finally {
      release();
    }
  }

  /** Returns whether a request waited for this response. */
  onResponse({ id, data, error }: Response): boolean {
    if (error === undefined) return this.#answers.resolve(id, data);
    return this.#answers.reject(id, (method) => failureOf(method, error));
  }

  /** The connection has ended; its open requests may have been carried out. */
  end(): void {
    this.#hasEnded = true;
    this.#answers.rejectAll((method) => unanswered(method, "before its connection ended"));
  }

  #answered(id: RequestId, text: string, request: OutgoingRequest): Promise<JsonPart | undefined> {
    const answer = this.#answers.wait(id, request);
    this.#connection.send(text);
    // Sending may have ended the connection.
    if (this.#hasEnded) this.end();
    return answer;
  }

  /** Charges the client for the request until it is answered. */
  #hold(method: string, text: string): Release {
    if (exceedsBytes(text, this.#connection.maxBytes())) {
      const message = `The request for ${method} is longer than the client accepts; send less.`;
      throw new LongwireError("too_large", message);
    }
    const { account } = this.#connection;
    const bytes = REQUEST_BYTES + textBytes(text);
    // Output is charged as well, and a client without room for it would be disconnected.
    if (account.charge(2 * bytes)) {
      account.refund(bytes);
      return () => account.refund(bytes);
    }
    const message = `The client has too many open requests to be asked for ${method}; wait for its answers.`;
    throw new LongwireError("client_busy", message);
  }
}

function failureOf(method: string, error: { code: string; message: string }): ClientError {
  const { code, message } = error;
  const text = `The client failed on ${method}: ${quoted(message)} (${quoted(code)})`;
  return new ClientError(text, code);
}
