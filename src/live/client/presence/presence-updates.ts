import type { LongwireError } from "../../../base/index.ts";
import { presenceOf } from "../presence-of.ts";
import { randomKey } from "../requests/random-key.ts";
import type { Requests } from "../requests/requests.ts";

interface Update {
  readonly data: unknown;
  /** Whether a server has acknowledged it. */
  isStored: boolean;
  /** Whether the client has subscribed since it was sent, perhaps to another server. */
  isDueAgain: boolean;
}

/** Failures after which the next subscription sends the update again: no server has refused it. */
const UNDECIDED: ReadonlySet<string> = new Set([
  "unsupported",
  "refused",
  "unconfirmed",
  "queue_full",
]);

/** The part of a client that its presence updates use. */
interface PresenceHost {
  readonly requests: Pick<Requests, "ask">;
  newId(): number;
}

/** The last updates of a client's presence, by topic. */
export class PresenceUpdates {
  readonly #host: PresenceHost;
  readonly #updates = new Map<string, Update>();

  constructor(host: PresenceHost) {
    this.#host = host;
  }

  /** Sends the update now, and again with each later subscription to the topic. */
  async send(topic: string, data: unknown): Promise<void> {
    const update = { data, isStored: false, isDueAgain: false };
    // An older update must not follow this one.
    this.#updates.set(topic, update);
    try {
      await this.#publish(presenceOf(topic), data);
      update.isStored = true;
      if (update.isDueAgain) this.onSubscribed(topic);
    } catch (error) {
      if (this.#updates.get(topic) === update) this.#updates.delete(topic);
      throw error;
    }
  }

  /** The server forgets updates of somebody who leaves. */
  onSubscribed(topic: string): void {
    const update = this.#updates.get(topic);
    if (update === undefined) return;
    // It may be answered by a server that is gone by now, on a connection other than the topic's.
    update.isDueAgain = !update.isStored;
    if (!update.isStored) return;
    this.send(topic, update.data).catch(({ code }: LongwireError) => {
      if (UNDECIDED.has(code) && !this.#updates.has(topic)) this.#updates.set(topic, update);
    });
  }

  async #publish(topic: string, data: unknown): Promise<void> {
    const id = this.#host.newId();
    const request = { type: "publish", id, topic, data, idempotencyKey: randomKey() };
    await this.#host.requests.ask(request, "presence");
  }
}
