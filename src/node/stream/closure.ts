import type { LongwireError } from "../../base/index.ts";

/** How a connection ended. */
export interface Closure {
  /** The code of the peer's Close frame; 1005 if it had none, 1006 without a Close frame. */
  code: number;
  reason: string;
  /** Whether both Close frames were exchanged before the transport ended. (RFC 6455 §7.1.4) */
  wasClean: boolean;
  /**
   * The reason for an abnormal end: a protocol violation, a limit, or an error of the transport.
   */
  error: LongwireError | undefined;
}
