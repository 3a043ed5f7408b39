import type { ServerResponse } from "node:http";
import type { Account, Timer, TimerWheel } from "../../base/index.ts";
import { ANSWER_STALL_MS } from "../server-limits.ts";

/**
 * Charges what of an answer the operating system has not taken, and cuts the answer off when the
 * client takes nothing for a while or its payer has no room.
 */
export class AnswerOutput {
  readonly #response: ServerResponse;
  readonly #account: Account;
  readonly #wheel: TimerWheel;
  #chargedBytes = 0;
  #timer: Timer | undefined;

  constructor(response: ServerResponse, account: Account, wheel: TimerWheel) {
    this.#response = response;
    this.#account = account;
    this.#wheel = wheel;
    response.on("drain", () => this.#settle());
    response.on("finish", () => this.#settle());
    response.on("close", () => this.#timer?.cancel());
  }

  /** Something was written. */
  onWritten(): void {
    const growth = this.#response.writableLength - this.#chargedBytes;
    if (growth <= 0) return;
    if (!this.#account.charge(growth)) return this.cut();
    this.#chargedBytes += growth;
    this.#timer ??= this.#watch(this.#response.writableLength);
  }

  /** Ends the answer in the middle, so that the client cannot take it for the whole. */
  cut(): void {
    // Not only the response: one that waits behind another on the same connection has no socket.
    this.#response.req.destroy();
    this.#response.destroy();
  }

  #settle(): void {
    const excess = this.#chargedBytes - this.#response.writableLength;
    if (excess <= 0) return;
    this.#chargedBytes -= excess;
    this.#account.refund(excess);
  }

  /** @param unsent how much there was at the start: less is progress */
  #watch(unsent: number): Timer {
    return this.#wheel.after(ANSWER_STALL_MS, () => {
      this.#timer = undefined;
      this.#settle();
      const { writableLength, socket } = this.#response;
      if (writableLength === 0) return;
      // One that waits for its turn on the connection cannot make progress itself.
      if (socket !== null && writableLength >= unsent) return this.cut();
      this.#timer = this.#watch(writableLength);
    });
  }
}
