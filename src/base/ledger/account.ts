/** An account for memory that grows. The holder of the memory has to refund it. */
export interface MemoryAccount {
  /** Charges `bytes` and returns true, or charges nothing and returns false. */
  charge(bytes: number): boolean;
  refund(bytes: number): void;
}

/**
 * A party that memory is charged to: an identity, or an address if there is no identity.
 *
 * It has one share, however many connections it opens. When the share is used up, the connection or
 * request that holds most is closed first. A request for memory from the largest one itself is
 * refused.
 */
export interface Payer extends MemoryAccount {
  /** `identity ID`, `address ADDRESS`, or the name that the application gave it. */
  readonly name: string;
  /** The maximum that it may hold, in bytes. */
  readonly shareBytes: number;
  /** The memory that is charged to it now, in bytes. */
  readonly heldBytes: number;
  /** The number of its open connections and requests. */
  readonly members: number;
  /**
   * Charges `bytes` and returns true, or charges nothing and returns false.
   *
   * @param account the connection or request that needs the memory; only larger ones are closed to
   *   make room for it. Without it, the memory is for something that outlives connections, and no
   *   connection is closed
   */
  charge(bytes: number, account?: Account): boolean;
  /** Charges memory that is already held, even if there is no room for it. */
  owe(bytes: number): void;
}

/** The memory that one connection or request holds, charged to its payer. */
export interface Account extends MemoryAccount {
  /** In bytes. */
  readonly heldBytes: number;
  /** The payer; `undefined` once the connection or request is over. */
  readonly payer: Payer | undefined;
  /**
   * Charges another payer from now on, including for memory that is already held. Use it when a
   * connection turns out to belong to a user, for example.
   *
   * @returns false if that payer has no room; nothing has changed then
   */
  moveTo(payer: Payer): boolean;
}
