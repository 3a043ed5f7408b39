import type { IncomingMessage, ServerResponse } from "node:http";
import type { Account } from "../../base/index.ts";

/** A plain HTTP request on an endpoint's path, and its response. */
export interface HttpExchange {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  /** The path as received, without the query and not decoded. */
  readonly path: string;
  /** The query: everything after the first `?`. */
  readonly search: string;
  /** The address of the other end of the connection: the client, or a proxy. */
  readonly remoteAddress: string | undefined;
  /**
   * The client's address: the address of the connection, or the one that a proxy in
   * `trustedProxies` reports.
   */
  readonly clientAddress: string | undefined;
  /** The memory that this request holds in the server, charged to an address or an identity. */
  readonly account: Account;
  /** Whether the response has ended, or the client has disconnected. */
  readonly isOver: boolean;
  /** Bytes of the response stream that have not been handed to the operating system. */
  readonly bufferedAmount: number;

  /**
   * Returns the value of a header, or `undefined` without one. Several values are joined by a
   * comma.
   */
  header(name: string): string | undefined;

  /**
   * Reads the whole body as text.
   *
   * @param maxBytes the maximum size of the body, in bytes
   * @throws LongwireError `too_large` beyond `maxBytes`, immediately if the header announces it;
   *   `over_share` if the client already holds its share of memory; `body_timeout` if the body does
   *   not arrive in time; `body_consumed` if the body has already been read
   */
  body(maxBytes: number): Promise<string>;

  /** Sends a complete response. Over HTTP/2, connection-specific headers are left out. */
  answer(
    status: number,
    headers: Readonly<Record<string, string>>,
    body: string | Uint8Array,
  ): void;

  /** Starts a streaming response with status 200; `write` adds to its body. */
  beginStream(headers: Record<string, string>): void;

  /** Adds bytes to the response stream. */
  write(bytes: Uint8Array): void;

  /** Ends the response stream. */
  end(): void;

  /** Aborts the response, so that the client does not mistake it for a complete one. */
  abort(): void;

  /** Calls `proceed` each time all buffered bytes have been handed to the operating system. */
  onDrain(proceed: () => void): void;

  /** Calls `ended` when the exchange is over. */
  onClosed(ended: () => void): void;
}
