import { LongwireError } from "../base/index.ts";

/** Why a connection fails, with the code that its Close frame carries. */
export class ProtocolError extends LongwireError {
  readonly closeCode: number;
  /** What the peer sent where one number tells it: an opcode, a length in bytes, a close code. */
  readonly seen: number | undefined;

  constructor(code: string, closeCode: number, message: string, seen?: number) {
    super(code, message);
    this.closeCode = closeCode;
    this.seen = seen;
  }
}

/** A peer asked us to hold more than the limit allows. Close code 1009, or 1013 for a total. */
export class LimitError extends ProtocolError {
  /** What the peer's data would have needed, in the limit's unit. */
  readonly size: number;
  readonly limit: number;

  constructor(
    code: string,
    closeCode: number,
    facts: { message: string; size: number; limit: number },
  ) {
    super(code, closeCode, facts.message);
    this.size = facts.size;
    this.limit = facts.limit;
  }
}
