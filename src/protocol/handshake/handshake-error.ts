import { LongwireError } from "../../base/index.ts";

/** A handshake that did not lead to a connection. */
export class HandshakeError extends LongwireError {
  /** The HTTP status of the server's response, if there was one. */
  readonly status: number | undefined;

  constructor(code: string, message: string, options: { status?: number; cause?: unknown } = {}) {
    super(code, message, "cause" in options ? { cause: options.cause } : undefined);
    this.status = options.status;
  }
}
