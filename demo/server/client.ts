import type { Identity } from "longwire/live";

/** A client of the monitor: a device's agent, or a visitor, such as a page. */
export interface Client extends Identity {
  readonly isDevice: boolean;
  /** Whether it may see who is connected, give commands, and end connections. */
  readonly mayAct: boolean;
}
