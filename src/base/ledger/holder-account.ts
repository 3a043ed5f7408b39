import type { Account, Payer } from "./account.ts";
import { ledgerPayer, type Holder, type LedgerPayer } from "./ledger-payer.ts";

/** The owner of an account. */
export interface AccountOwner {
  /** Called when the memory is needed and this owner holds the most of it: it has to end. */
  onEvicted(): void;
}

/** The account of one connection or request, which is evicted when others need the memory. */
export class HolderAccount implements Account, Holder {
  readonly #owner: AccountOwner;
  /** `undefined` once the account is closed. */
  #payer: LedgerPayer | undefined;
  #heldBytes = 0;

  constructor(payer: Payer, owner: AccountOwner) {
    const own = ledgerPayer(payer);
    this.#payer = own;
    this.#owner = owner;
    own.join();
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  get payer(): LedgerPayer | undefined {
    return this.#payer;
  }

  charge(bytes: number): boolean {
    if (this.#payer?.charge(bytes, this) !== true) return false;
    if (this.#heldBytes === 0) this.#payer.hold(this);
    this.#heldBytes += bytes;
    return true;
  }

  /** Does nothing after the account is closed, because everything has been refunded. */
  refund(bytes: number): void {
    const payer = this.#payer;
    if (payer === undefined) return;
    this.#heldBytes -= bytes;
    if (this.#heldBytes === 0) payer.release(this);
    payer.refund(bytes);
  }

  moveTo(to: Payer): boolean {
    const payer = ledgerPayer(to);
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

  /** Refunds everything that is still held; nothing can be charged afterwards. */
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
    // Refunded first, because the owner may charge other accounts, and must not evict this one
    // again.
    this.close();
    this.#owner.onEvicted();
  }
}
