import { updatePresence } from "../../../src/live/client/presence/index.ts";
import * as v from "valibot";
import type { Live } from "../../../src/live/client/index.ts";
import type { PresenceOptions, TopicEvent } from "../../../src/live/index.ts";
import type { Random } from "../../rigs/random.ts";

/** The presence of the topic whose subscribers update it. */
export const updatedPresence: PresenceOptions = { data: v.object({ n: v.number() }) };

/** Why an update may be refused: the client does not read the topic, or nobody answers. */
const EXPECTED: ReadonlySet<string> = new Set([
  "bad_request",
  "unconfirmed",
  "queue_full",
  "closed",
  "refused",
]);

/** Updates of the clients' presence, and the last one that each knows to be stored. */
export class PresenceUpdates {
  readonly #random: Random;
  /** By client: `undefined` if it does not know. */
  readonly #last = new Map<Live, number | undefined>();
  readonly #failures: unknown[] = [];
  #n = 0;
  /** How many were found at the end. */
  found = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  update(live: Live, topic: string): void {
    if (!this.#random.chance(0.3)) return;
    this.#n += 1;
    const n = this.#n;
    this.#last.set(live, undefined);
    updatePresence(live, topic, { n }).then(
      () => this.#last.set(live, n),
      (error: { code?: string }) => {
        if (!EXPECTED.has(error.code ?? "")) this.#failures.push(error);
      },
    );
  }

  check(): void {
    const [failure] = this.#failures;
    if (failure !== undefined) throw failure;
  }

  /** Every reader has subscribed for the last time, so its last update is what others see. */
  checkEnd(
    present: readonly TopicEvent[],
    readers: readonly { readonly name: string; readonly live: Live }[],
  ): void {
    for (const { name, live } of readers) {
      const last = this.#last.get(live);
      if (last === undefined) continue;
      const data = present.find(({ key }) => key === name)?.data as { n?: number } | undefined;
      if (data?.n !== last) throw new Error(`${name} is present as ${data?.n}, not ${last}`);
      this.found += 1;
    }
  }
}
