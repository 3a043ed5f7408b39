import type { Clock } from "../../../base/index.ts";
import { LiveError } from "../../../topics/index.ts";
import type { Reply } from "../link/link.ts";
import { redirectionOf, type Redirection } from "./redirection.ts";

interface Command<Server> {
  readonly send: (server: Server) => Promise<Reply>;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
  /** When the caller receives an error if it has not been run. */
  readonly until: number;
  isSent: boolean;
}

/** The services of the cluster that the queue of a slot uses. */
export interface SlotQueueHost<Server> {
  clock: Clock;
  timeoutMs: number;
  /** Returns the slot's server. @throws LiveError `unavailable` */
  server(): Server;
  /**
   * Resolves when the slot can be retried at its current server. @param attempt 0 for the first in
   * a row
   */
  follow(redirection: Redirection, attempt: number): Promise<void>;
  /** The queue is empty. */
  onEmpty(): void;
}

/**
 * Runs the commands of one slot in order, wherever the slot moves.
 *
 * A server that the slot has left, or is leaving, does nothing and refuses: refused commands are
 * sent again, followed by later ones.
 */
export class SlotQueue<Server> {
  readonly #host: SlotQueueHost<Server>;
  /** Unanswered commands, in order. */
  readonly #commands = new Set<Command<Server>>();
  /**
   * The server that receives all commands while any is pending, even if the slot moves meanwhile,
   * because two servers would answer in any order.
   */
  #server: Server | undefined;
  #sent = 0;
  /** The last redirection, while the slot is being located. */
  #redirection: Redirection | undefined;
  #attempt = 0;

  constructor(host: SlotQueueHost<Server>) {
    this.#host = host;
  }

  /**
   * @param send may be called again after a redirection
   * @throws LiveError `unavailable` as a rejection if the slot is not found in time; and the errors
   *   of `send`
   */
  do(send: (server: Server) => Promise<Reply>): Promise<Reply> {
    const { clock, timeoutMs } = this.#host;
    return new Promise((resolve, reject) => {
      const command = { send, resolve, reject, until: clock.now() + timeoutMs, isSent: false };
      this.#commands.add(command);
      if (this.#redirection === undefined) this.#send(command);
    });
  }

  #send(command: Command<Server>): void {
    command.isSent = true;
    this.#sent += 1;
    this.#sendTo(command).then(
      (reply) => {
        this.#rejectOvertaken(command);
        this.#end(command, () => command.resolve(reply));
      },
      (error: unknown) => {
        const redirection = redirectionOf(error);
        if (redirection === undefined) return this.#end(command, () => command.reject(error));
        command.isSent = false;
        this.#redirection = redirection;
        this.#onAnswered();
      },
    );
  }

  // Called synchronously; async turns a thrown error into a rejection.
  async #sendTo({ send }: Command<Server>): Promise<Reply> {
    this.#server ??= this.#host.server();
    return send(this.#server);
  }

  #end(command: Command<Server>, settle: () => void): void {
    this.#commands.delete(command);
    if (this.#redirection === undefined) this.#attempt = 0;
    settle();
    this.#onAnswered();
  }

  #onAnswered(): void {
    this.#sent -= 1;
    if (this.#sent > 0) return;
    this.#server = undefined;
    if (this.#redirection !== undefined) void this.#move(this.#redirection);
    else if (this.#commands.size === 0) this.#host.onEmpty();
  }

  /**
   * The slot moved away and back between two commands: a refused one would run after a later one.
   */
  #rejectOvertaken(done: Command<Server>): void {
    for (const command of this.#commands) {
      if (command === done) return;
      if (!command.isSent) this.#refuse(command);
    }
  }

  /** Nothing is pending, so all commands can be sent again in order. */
  async #move(redirection: Redirection): Promise<void> {
    await this.#host.follow(redirection, this.#attempt);
    this.#attempt += 1;
    this.#redirection = undefined;
    const now = this.#host.clock.now();
    for (const command of this.#commands) {
      if (command.until <= now) this.#refuse(command);
    }
    if (this.#commands.size === 0) this.#host.onEmpty();
    for (const command of this.#commands) this.#send(command);
  }

  #refuse(command: Command<Server>): void {
    this.#commands.delete(command);
    const message = "The topic is being moved to another server of the Redis Cluster; try again.";
    command.reject(new LiveError("unavailable", message));
  }
}
