import { LongwireError } from "../base/index.ts";

/** The reason for failing a connection, with the code of the Close frame. */
export class ProtocolError extends LongwireError {
  readonly closeCode: number;
  /**
   * The value that the peer sent, if it is a number: an opcode, a length in bytes, a close code.
   */
  readonly seen: number | undefined;

  constructor(code: string, closeCode: number, message: string, seen?: number) {
    super(code, message);
    this.closeCode = closeCode;
    this.seen = seen;
  }
}

/** A peer exceeded a limit. The close code is 1009, or 1013 for a limit on a total. */
export class LimitError extends ProtocolError {
  /** The size that the peer's data would have needed, in the unit of the limit. */
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
