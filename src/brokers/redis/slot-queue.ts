import type { Clock } from "../../base/index.ts";
import { LiveError } from "../../topics/index.ts";
import type { Reply } from "./link.ts";
import { redirectionOf, type Redirection } from "./redirection.ts";

interface Command<Server> {
  readonly send: (server: Server) => Promise<Reply>;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
  /** When who asked for it is told that it was not done. */
  readonly until: number;
  isSent: boolean;
}

/** What a slot's queue needs of the cluster. */
export interface SlotQueueHost<Server> {
  clock: Clock;
  timeoutMs: number;
  /** Where the slot is. @throws LiveError `unavailable` */
  server(): Server;
  /** Resolves when it can be tried where it is now. @param attempt 0 for the first in a row */
  follow(redirection: Redirection, attempt: number): Promise<void>;
  /** Nothing is in it. */
  onEmpty(): void;
}

/**
 * What is asked of one slot, done in the order in which it was asked for, wherever the slot moves.
 *
 * A server that the slot has left, or is leaving, does nothing and says so: what it refused is sent
 * again, with what was asked for since behind it.
 */
export class SlotQueue<Server> {
  readonly #host: SlotQueueHost<Server>;
  /** Those that are not answered, in their order. */
  readonly #commands = new Set<Command<Server>>();
  /**
   * Where they are sent as long as any of them is under way, whatever is heard of the slot
   * meanwhile: two servers would answer in any order.
   */
  #server: Server | undefined;
  #sent = 0;
  /** What was said last, while the slot is looked for. */
  #redirection: Redirection | undefined;
  #attempt = 0;

  constructor(host: SlotQueueHost<Server>) {
    this.#host = host;
  }

  /**
   * @param send may be called again if it was redirected
   * @throws LiveError `unavailable` as a rejection if the slot is not found in time; and as `send`
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

  // At once; what it throws is a rejection.
  async #sendTo({ send }: Command<Server>): Promise<Reply> {
    this.#server ??= this.#host.server();
    return send(this.#server);
  }

  #end(command: Command<Server>, tell: () => void): void {
    this.#commands.delete(command);
    if (this.#redirection === undefined) this.#attempt = 0;
    tell();
    this.#onAnswered();
  }

  #onAnswered(): void {
    this.#sent -= 1;
    if (this.#sent > 0) return;
    this.#server = undefined;
    if (this.#redirection !== undefined) void this.#move(this.#redirection);
    else if (this.#commands.size === 0) this.#host.onEmpty();
  }

  /** The slot has come back between two: what was refused would be done after what was not. */
  #rejectOvertaken(done: Command<Server>): void {
    for (const command of this.#commands) {
      if (command === done) return;
      if (!command.isSent) this.#refuse(command);
    }
  }

  /** None is under way: all can be sent again, in their order. */
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
