import { LongwireError } from "../../base/index.ts";

/** A handshake that did not become a connection. */
export class HandshakeError extends LongwireError {
  /** The server's HTTP status, if it answered. */
  readonly status: number | undefined;

  constructor(code: string, message: string, options: { status?: number; cause?: unknown } = {}) {
    super(code, message, "cause" in options ? { cause: options.cause } : undefined);
    this.status = options.status;
  }
}
