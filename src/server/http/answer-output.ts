import type { ServerResponse } from "node:http";
import type { Account, Timer, TimerWheel } from "../../base/index.ts";
import { ANSWER_STALL_MS } from "../server-limits.ts";

/**
 * Charges the unsent part of a response to its payer. Cuts the response off if the client stops
 * reading for a while, or if the payer has no room left.
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

  /** Must be called after every write. */
  onWritten(): void {
    const growth = this.#response.writableLength - this.#chargedBytes;
    if (growth <= 0) return;
    if (!this.#account.charge(growth)) return this.cut();
    this.#chargedBytes += growth;
    this.#timer ??= this.#watch(this.#response.writableLength);
  }

  /** Aborts the response, so that the client cannot mistake it for a complete one. */
  cut(): void {
    // Destroys the request, not only the response: a response that waits behind another on the same
    // connection has no socket.
    this.#response.req.destroy();
    this.#response.destroy();
  }

  #settle(): void {
    const excess = this.#chargedBytes - this.#response.writableLength;
    if (excess <= 0) return;
    this.#chargedBytes -= excess;
    this.#account.refund(excess);
  }

  /** @param unsent the unsent bytes when the period started; fewer at its end mean progress */
  #watch(unsent: number): Timer {
    return this.#wheel.after(ANSWER_STALL_MS, () => {
      this.#timer = undefined;
      this.#settle();
      const { writableLength, socket } = this.#response;
      if (writableLength === 0) return;
      // A response that waits for its turn on the connection has no socket and cannot make
      // progress.
      if (socket !== null && writableLength >= unsent) return this.cut();
      this.#timer = this.#watch(writableLength);
    });
  }
}
