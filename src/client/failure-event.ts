import type { LongwireError } from "../base/index.ts";

/**
 * The `error` event. The standard's has no content, so that a page can't probe a network; outside
 * a browser there is nothing to hide, and this one tells what went wrong.
 */
export class FailureEvent extends Event {
  readonly error: LongwireError;
  readonly message: string;

  constructor(error: LongwireError) {
    super("error");
    this.error = error;
    this.message = error.message;
  }
}
