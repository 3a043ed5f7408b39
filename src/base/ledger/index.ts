export { Account } from "./account.ts";
export type { MemoryAccount } from "./account.ts";
export { Ledger } from "./ledger.ts";
export type { LedgerLimits } from "./ledger.ts";
export { Payer } from "./payer.ts";
