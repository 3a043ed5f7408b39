import type { LongwireError } from "../../base/index.ts";

/** How a connection ended. */
export interface Closure {
  /** The code that the peer's Close frame carried, 1005 for none, 1006 without a Close frame. */
  code: number;
  reason: string;
  /** Whether Close frames went both ways before the transport ended. (RFC 6455 §7.1.4) */
  wasClean: boolean;
  /** What went wrong, if something did: a protocol violation, a limit, a transport's error. */
  error: LongwireError | undefined;
}
