import { LongwireError } from "../../base/index.ts";

/** A proxy that did not let us through. */
export class ProxyError extends LongwireError {
  /** The proxy's URL without user name and password. */
  readonly proxy: string;
  /** The HTTP status that an HTTP proxy answered with. */
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
