import type { Clock, Ledger, TimerWheel } from "../../../base/index.ts";
import type { Authority, Catalog, Encoding, Report } from "../../../topics/index.ts";
import type { LiveLimits } from "../limits.ts";
import type { Admission } from "../access/admission.ts";
import type { Calls } from "../calls/calls.ts";
import type { Offers } from "../asking/offers.ts";
import type { Rates } from "./caller.ts";
import type { Credentials } from "../access/credentials.ts";
import type { Diagnostics } from "../observing/diagnostics.ts";
import type { Authenticator } from "../access/authenticator.ts";
import type { KeyOwners } from "../keys/key-owners.ts";
import type { Logins } from "../access/logins.ts";
import type { Presence } from "../keys/presence.ts";
import type { ClusterClients } from "../asking/cluster-clients.ts";
import type { OfferDirectory } from "../asking/offer-directory.ts";
import type { CutOff } from "../cluster/cut-off.ts";
import type { Lifecycle } from "../cluster/lifecycle.ts";
import type { ReaderCounts } from "../cluster/reader-counts.ts";
import type { Orders } from "../cluster/orders.ts";
import type { Revocations } from "../cluster/revocations.ts";
import type { Roster } from "../cluster/roster.ts";
import type { AskedMethods } from "../asking/question.ts";
import type { Courier } from "../mailbox/courier.ts";
import type { Mailbox } from "../mailbox/mailbox.ts";
import type { Feature } from "../../wire/features.ts";
import type { Shedding } from "../cluster/shedding.ts";
import type { ConnectedClient } from "./connected-client.ts";
import type { Statistics } from "../observing/statistics.ts";

/** The services that the sessions of one live server share. */
export interface LiveCore {
  readonly catalog: Catalog;
  readonly authenticator: Authenticator;
  readonly logins: Logins;
  /** Charged for the memory that clients hold. */
  readonly ledger: Ledger;
  /** Decides when a topic or a method does not decide itself. */
  readonly authority: Authority;
  readonly calls: Calls;
  /** The methods that clients offer to the server. */
  readonly offers: Offers;
  /** The offers of the clients of all servers. */
  readonly directory: OfferDirectory;
  readonly clients: ClusterClients;
  readonly orders: Orders;
  readonly revocations: Revocations;
  readonly cutOff: CutOff;
  readonly roster: Roster;
  readonly readers: ReaderCounts;
  readonly lifecycle: Lifecycle;
  readonly shedding: Shedding;
  readonly features: readonly Feature[];
  readonly asked: AskedMethods;
  readonly mailbox: Mailbox;
  readonly courier: Courier;
  readonly rates: Rates;
  readonly owners: KeyOwners;
  readonly presence: Presence;
  readonly admission: Admission;
  readonly statistics: Statistics;
  readonly diagnostics: Diagnostics;
  /** The query parameter that holds a token, if any. */
  readonly tokenQuery: string | undefined;
  readonly limits: LiveLimits;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly report: Report;
}

/** A limit that a client has exceeded. */
export interface LimitReached {
  /** For example `message_too_big`, `message_timeout`, `over_share`. */
  readonly code: string;
}

/** One client's connection, at either level. */
export interface Session extends ConnectedClient {
  /** Called once, after the peer is linked to this session. */
  start(credentials: Credentials): void;
  /** Whether unsent data waits for room in the socket. */
  readonly isWaiting: boolean;
  /** If a promise is returned, the next message waits for it. */
  onMessage(message: string | Uint8Array): void | Promise<void>;
  /** The connection is about to be closed because its client exceeded a limit. */
  onLimit(reached: LimitReached): void;
  /** The socket has room again. */
  onDrain(): void;
  /** Called twice per heartbeat interval. */
  onTick(): void;
  /** The server is about to close all connections; `retryAfterMs` is when to reconnect. */
  onDraining(retryAfterMs: number): void;
  onClosed(): void;
}

export interface SessionEncodings {
  data: Encoding;
  event: Encoding;
}
