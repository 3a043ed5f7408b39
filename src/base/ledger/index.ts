export type { Account, MemoryAccount, Payer } from "./account.ts";
export { HolderAccount } from "./holder-account.ts";
export { Ledger } from "./ledger.ts";
export type { LedgerLimits } from "./ledger.ts";
export { ledgerPayer, LedgerPayer } from "./ledger-payer.ts";
