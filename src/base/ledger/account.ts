/** Where memory that grows is charged; whoever holds it refunds it. */
export interface MemoryAccount {
  /** Charges `bytes` and returns true, or charges nothing and returns false. */
  charge(bytes: number): boolean;
  refund(bytes: number): void;
}

/**
 * One party that memory is charged to: an identity, or an address where there is no identity.
 *
 * However many connections it opens, it has one share. When the share is used up, the connection or
 * request that holds most goes first; one that is itself the largest is refused.
 */
export interface Payer extends MemoryAccount {
  /** `identity ID`, `address ADDRESS`, or the name that the application gave it. */
  readonly name: string;
  /** What it may hold, in bytes. */
  readonly shareBytes: number;
  /** What is charged to it now, in bytes. */
  readonly heldBytes: number;
  /** How many connections and requests are open on its account. */
  readonly members: number;
  /**
   * Charges `bytes` and returns true, or charges nothing and returns false.
   *
   * @param account for which connection or request; only larger ones are closed to make room for it.
   *   Without it the memory is for something that outlives connections, and none is closed for it
   */
  charge(bytes: number, account?: Account): boolean;
  /** Charges what is held already, even if there is no room for it. */
  owe(bytes: number): void;
}

/** What one connection or request holds, charged to its payer. */
export interface Account extends MemoryAccount {
  /** In bytes. */
  readonly heldBytes: number;
  /** Who pays; `undefined` once the connection or request is over. */
  readonly payer: Payer | undefined;
  /**
   * Has another payer pay from now on, also for what is held already: when a connection turns out to
   * belong to a user, say.
   *
   * @returns false if that payer has no room; nothing has changed then
   */
  moveTo(payer: Payer): boolean;
}
