import type { IncomingMessage, ServerResponse } from "node:http";
import type { Account } from "../../base/index.ts";

/** A plain HTTP request on an endpoint's path, and its answer. */
export interface HttpExchange {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  /** The path without the query, as it came: not decoded. */
  readonly path: string;
  /** What follows the first `?`, without it. */
  readonly search: string;
  /** The address of the other end of the connection: the client, or a proxy. */
  readonly remoteAddress: string | undefined;
  /** The client's address: of the connection, or what a proxy of `trustedProxies` reports. */
  readonly clientAddress: string | undefined;
  /** What this request holds of the server's memory, charged to an address or an identity. */
  readonly account: Account;
  /** Whether the answer has ended, or the client is gone. */
  readonly isOver: boolean;
  /** Bytes of a begun stream that the operating system has not taken. */
  readonly bufferedAmount: number;

  /** The value of a header, several lines joined by a comma; `undefined` if there is none. */
  header(name: string): string | undefined;

  /**
   * Reads the whole body as text.
   *
   * @throws LongwireError `too_large` beyond `maxBytes`, at once if the header says so;
   *   `over_share` if the client holds too much already; `body_timeout` if it takes too long;
   *   `body_consumed` if something else has read it before
   */
  body(maxBytes: number): Promise<string>;

  /** Sends the whole answer. Over HTTP/2, headers that are about a connection are left out. */
  answer(
    status: number,
    headers: Readonly<Record<string, string>>,
    body: string | Uint8Array,
  ): void;

  /** Begins an answer with status 200 and a body that goes on; `write` adds to it. */
  beginStream(headers: Record<string, string>): void;

  /** Adds to a begun stream. */
  write(bytes: Uint8Array): void;

  /** Ends a begun stream. */
  end(): void;

  /** Cuts an answer in the middle, so that the client does not take it for the whole. */
  abort(): void;

  /** Calls `proceed` each time what was buffered is gone. */
  onDrain(proceed: () => void): void;

  /** Calls `ended` when the exchange is over. */
  onClosed(ended: () => void): void;
}
