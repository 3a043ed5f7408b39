import { LongwireError } from "../../base/index.ts";
import { LiveError } from "../../topics/index.ts";

/** A request was sent to the engine and not answered: it may or may not have been executed. */
export class UnansweredError extends LongwireError {
  constructor(message: string, options?: ErrorOptions) {
    super("unconfirmed", message, options);
  }
}

/** The engine refused a request; nothing was done. */
export class RefusedError extends LiveError {
  /** The engine's own text. */
  readonly answer: string;

  constructor(message: string, answer: string) {
    super("unavailable", message);
    this.answer = answer;
  }
}

/** The log of a topic is another one than a node had followed; nothing was done. */
export function logRestarted(topic: string): LiveError {
  return new LiveError(
    "unavailable",
    `The log of "${topic}" was restarted at the broker; try again.`,
  );
}
