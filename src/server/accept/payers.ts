import { ledgerPayer, type Ledger, type LedgerPayer, type Payer } from "../../base/index.ts";
import type { Refusal } from "../../protocol/index.ts";
import { payerOfAddress, type Addressed, type ClientAddresses } from "./client-address.ts";

/** Who pays for what a connection or request holds, until it has shown who it is. */
export class Payers {
  readonly #ledger: Ledger;
  readonly #addresses: ClientAddresses;

  constructor(ledger: Ledger, addresses: ClientAddresses) {
    this.#ledger = ledger;
    this.#addresses = addresses;
  }

  of(request: Addressed): LedgerPayer {
    return ledgerPayer(this.#ledger.payer(payerOfAddress(this.#addresses.of(request))));
  }

  addressOf(request: Addressed): string | undefined {
    return this.#addresses.of(request);
  }

  /** Whether one more connection or request of this payer may be open. */
  hasPlace(payer: Payer): boolean {
    return this.#ledger.hasPlace(payer);
  }
}

export function tooManyConnections(): Refusal {
  return {
    status: 429,
    code: "too_many_connections",
    message:
      "Too many connections and requests of this client are open; close some, or try again later.",
    headers: [["Retry-After", "5"]],
  };
}
