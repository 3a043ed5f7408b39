import type { CommandInfo } from "../../system-topics.ts";
import type { Mailbox } from "./mailbox.ts";

/** A command to a client that may be away. */
export class Command {
  /** Names it in `$commands`. */
  readonly key: string;
  readonly #mailbox: Mailbox;

  constructor(mailbox: Mailbox, key: string) {
    this.#mailbox = mailbox;
    this.key = key;
  }

  /**
   * Resolves with the command when it is over: `done`, `failed`, `expired`, `withdrawn` or
   * `unconfirmed`.
   *
   * @throws LongwireError `unknown_command`, and the signal's reason, as a rejection
   */
  outcome({ signal }: { signal?: AbortSignal } = {}): Promise<CommandInfo> {
    return this.#mailbox.outcomeOf(this.key, signal);
  }

  /**
   * Withdraws it, unless it has been delivered.
   *
   * @returns whether it will never be carried out
   * @throws LongwireError `unknown_command`, and LiveError `unavailable`, as a rejection
   */
  withdraw(): Promise<boolean> {
    return this.#mailbox.withdraw(this.key);
  }
}
