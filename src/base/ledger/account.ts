import type { Holder, Payer } from "./payer.ts";

/** Where memory that grows is charged; who holds it refunds it. */
export interface MemoryAccount {
  /** Charges `bytes` and returns true, or charges nothing and returns false. */
  charge(bytes: number): boolean;
  refund(bytes: number): void;
}

/** What an account belongs to. */
export interface AccountOwner {
  /** The memory is needed and this owner holds most of it: it has to end. */
  onEvicted(): void;
}

/** What one connection or request holds, charged to its payer. */
export class Account implements MemoryAccount, Holder {
  readonly #owner: AccountOwner;
  /** `undefined` once it is closed. */
  #payer: Payer | undefined;
  #heldBytes = 0;

  constructor(payer: Payer, owner: AccountOwner) {
    this.#payer = payer;
    this.#owner = owner;
    payer.join();
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Who pays; `undefined` once the account is closed. */
  get payer(): Payer | undefined {
    return this.#payer;
  }

  charge(bytes: number): boolean {
    if (this.#payer?.charge(bytes, this) !== true) return false;
    if (this.#heldBytes === 0) this.#payer.hold(this);
    this.#heldBytes += bytes;
    return true;
  }

  /** Does nothing once the account is closed: everything was refunded then. */
  refund(bytes: number): void {
    const payer = this.#payer;
    if (payer === undefined) return;
    this.#heldBytes -= bytes;
    if (this.#heldBytes === 0) payer.release(this);
    payer.refund(bytes);
  }

  /**
   * Has another payer pay from now on, for what is held already too.
   *
   * @returns false if that payer has no room; nothing has changed then
   */
  moveTo(payer: Payer): boolean {
    const before = this.#payer;
    if (before === undefined) return false;
    if (before === payer) return true;
    if (!payer.charge(this.#heldBytes, this)) return false;
    payer.join();
    if (this.#heldBytes > 0) {
      before.release(this);
      payer.hold(this);
    }
    this.#payer = payer;
    before.refund(this.#heldBytes);
    before.leave();
    return true;
  }

  /** Refunds what is still held; nothing can be charged any more. */
  close(): void {
    const payer = this.#payer;
    if (payer === undefined) return;
    this.#payer = undefined;
    payer.release(this);
    payer.refund(this.#heldBytes);
    this.#heldBytes = 0;
    payer.leave();
  }

  evict(): void {
    // Refunded first: what the owner does may charge others, and must not come back here.
    this.close();
    this.#owner.onEvicted();
  }
}
