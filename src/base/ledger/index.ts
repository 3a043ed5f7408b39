export { Account } from "./account.ts";
export type { AccountOwner, MemoryAccount } from "./account.ts";
export { Ledger } from "./ledger.ts";
export type { Cache, LedgerLimits } from "./ledger.ts";
export { Payer } from "./payer.ts";
export type { Holder } from "./payer.ts";
