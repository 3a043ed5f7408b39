import type { MemoryAccount } from "../../base/index.ts";
import {
  eventBytes,
  LiveError,
  NAME_BYTES,
  type Offset,
  type TopicEvent,
} from "../../topics/index.ts";

interface Charge {
  readonly payer: MemoryAccount;
  readonly bytes: number;
}

/** Tracks who pays for the events that a pattern's topic keeps. */
export class EventCharges {
  readonly #charges = new Map<Offset, Charge>();

  /**
   * @param isFirst whether the topic keeps nothing else; then the topic's name is charged as well
   * @throws LiveError `too_large` if the payer has no room for it
   */
  charge(event: TopicEvent, payer: MemoryAccount, isFirst: boolean): void {
    const bytes = eventBytes(event) + (isFirst ? NAME_BYTES : 0);
    if (!payer.charge(bytes)) {
      const message =
        "Your share of this server's memory is used up by events that your topics keep; publish less, or remove keys.";
      throw new LiveError("too_large", message);
    }
    this.#charges.set(event.offset, { payer, bytes });
  }

  /** Refunds an event that is no longer kept. */
  release(offset: Offset): void {
    const charge = this.#charges.get(offset);
    if (charge === undefined) return;
    this.#charges.delete(offset);
    charge.payer.refund(charge.bytes);
  }

  /** Refunds everything. */
  close(): void {
    for (const { payer, bytes } of this.#charges.values()) payer.refund(bytes);
    this.#charges.clear();
  }
}
