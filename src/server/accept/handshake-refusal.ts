import { LongwireError } from "../../base/index.ts";
import { checkedFields } from "../checked-fields.ts";

export interface HandshakeRefusalOptions {
  /** Stable, for programs. Default `refused`. */
  code?: string;
  /** One line for people. */
  message?: string;
  /** Additional headers. Those that the response sets itself are ignored. */
  headers?: Record<string, string>;
}

/**
 * Refuses a handshake when `authorize` returns or throws it.
 *
 * A page in a browser cannot read the refusal: it sees close code 1006, whatever the status. To
 * give a page the reason, accept the connection and close it with a code of your own (4000–4999).
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
      const message = `The refusal's status is ${status}; use an HTTP status from 400 to 599.`;
      throw new LongwireError("invalid_status", message);
    }
    super(options.code ?? "refused", options.message ?? "The server refused the connection.");
    this.status = status;
    this.headers = Object.entries(checkedFields(options.headers ?? {}));
  }
}
