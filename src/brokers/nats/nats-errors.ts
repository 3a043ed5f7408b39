import { LongwireError } from "../../base/index.ts";
import { LiveError } from "../../topics/index.ts";

/** Something was sent, and no answer came: it may be done or not. */
export class UnansweredError extends LongwireError {
  constructor(message: string, options?: ErrorOptions) {
    super("unconfirmed", message, options);
  }
}

/** NATS has said no; nothing was done. */
export class RefusedError extends LiveError {
  /** NATS's own words. */
  readonly words: string;
  /** JetStream's own number of the reason; 0 if nobody was there to say one. */
  readonly reason: number;

  constructor(server: string, words: string, reason: number) {
    super("unavailable", `${server} refused: ${words}`);
    this.words = words;
    this.reason = reason;
  }
}

/** JetStream's numbers of reasons, of those that mean something here. */
export const Reason = {
  Nobody: 0,
  NoConsumer: 10014,
  NoMessage: 10037,
  NotEnabled: 10039,
  NameInUse: 10058,
  NoStream: 10059,
  SubjectsInUse: 10065,
  WrongLastSequence: 10071,
} as const;

export function isRefused(error: unknown, reason: number): boolean {
  return error instanceof RefusedError && error.reason === reason;
}
