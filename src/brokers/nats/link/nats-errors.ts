import { RefusedError } from "../../shared/engine-errors.ts";

/** NATS refused a request; nothing was done. */
export class NatsRefusal extends RefusedError {
  /** JetStream's error code; 0 if no server answered. */
  readonly reason: number;

  constructor(server: string, words: string, reason: number) {
    super(`${server} refused: ${words}`, words);
    this.reason = reason;
  }
}

/** The JetStream error codes that are handled here. */
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
  return error instanceof NatsRefusal && error.reason === reason;
}
