import { LongwireError } from "../../../base/index.ts";

/** A failure that a proxy caused. */
export class ProxyError extends LongwireError {
  /** The proxy's URL without user name and password. */
  readonly proxy: string;
  /** The HTTP status of an HTTP proxy's response. */
  readonly status: number | undefined;

  constructor(
    code: string,
    message: string,
    facts: { proxy: string; status?: number; cause?: unknown },
  ) {
    super(code, message, "cause" in facts ? { cause: facts.cause } : undefined);
    this.proxy = facts.proxy;
    this.status = facts.status;
  }
}
