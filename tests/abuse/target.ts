import type { ServerKind } from "./row.ts";

/** Where a server is, as anyone can know. */
export interface Target {
  kind: ServerKind;
  host: string;
  port: number;
  isTls: boolean;
  /** Whether it asks for a token. */
  asksForToken: boolean;
  /** The bystander's own topic, keyed. */
  bystanderTopic: string;
}
