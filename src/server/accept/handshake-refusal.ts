import { LongwireError } from "../../base/index.ts";
import { checkedFields } from "../checked-fields.ts";

export interface HandshakeRefusalOptions {
  /** Stable, for programs. Default `refused`. */
  code?: string;
  /** One line for people. */
  message?: string;
  /** Further header lines; those that the answer itself writes are left out. */
  headers?: Record<string, string>;
}

/**
 * What `authorize` returns, or throws, to refuse a handshake.
 *
 * A browser's page can't read it: it sees close code 1006, whatever the status. To tell a page
 * why, accept and close with a code of your own (4000–4999).
 */
export class HandshakeRefusal extends LongwireError {
  readonly status: number;
  readonly headers: [name: string, value: string][];

  /**
   * @param status an HTTP status from 400 to 599
   * @throws LongwireError `invalid_status`, `invalid_header`
   */
  constructor(status: number, options: HandshakeRefusalOptions = {}) {
    if (!Number.isInteger(status) || status < 400 || status > 599) {
      const message = `The refusal's status is ${status}; give one from 400 to 599.`;
      throw new LongwireError("invalid_status", message);
    }
    super(options.code ?? "refused", options.message ?? "The server refused this connection.");
    this.status = status;
    this.headers = Object.entries(checkedFields(options.headers ?? {}));
  }
}
