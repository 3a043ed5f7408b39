import { quoted } from "../../../topics/index.ts";
import type { ClientMethodsOf, LiveApi, QuestionOf } from "../../live-api.ts";
import { ClientHandle } from "../asking/client-handle.ts";
import type { LiveCore } from "../sessions/session.ts";
import { Command } from "./command.ts";
import type { CommandOptions, Mailbox } from "./mailbox.ts";

/** The params and options of a command; params may be left out if their type allows it. */
type CommandArguments<Method> =
  undefined extends QuestionOf<Method>
    ? [params?: QuestionOf<Method>, options?: CommandOptions]
    : [params: QuestionOf<Method>, options?: CommandOptions];

/** An identity, whose clients can be asked now, and told what to do when they come. */
export class IdentityHandle<Api extends LiveApi = LiveApi> extends ClientHandle<Api> {
  readonly #id: string;
  readonly #mailbox: Mailbox;

  constructor({ asked, clients, mailbox }: LiveCore, id: string) {
    super(asked, `The identity ${quoted(id)}`, (method) => clients.ofIdentity(id, method));
    this.#id = id;
    this.#mailbox = mailbox;
  }

  /**
   * Gives a command: the client carries it out when it comes, in order and once. If the client ends
   * while it is at work on it, the outcome is unknown, and the command becomes `unconfirmed`, unless
   * its method is declared `isIdempotent`. The topic `$commands` shows its state.
   *
   * @returns the command, when it is stored
   * @throws LongwireError `unknown_topic` unless `commandsTopic()` is among the declared topics,
   *   `unknown_method`, `invalid_params`, `invalid_limit`, and LiveError `too_large`,
   *   `unavailable`, as a rejection
   */
  async command<const Name extends keyof ClientMethodsOf<Api> & string>(
    method: Name,
    ...[params, options = {}]: CommandArguments<ClientMethodsOf<Api>[Name]>
  ): Promise<Command> {
    const key = await this.#mailbox.give({ identity: this.#id, method, params }, options);
    return new Command(this.#mailbox, key);
  }
}
