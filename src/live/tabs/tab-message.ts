/** A message from a tab's socket to the hub. */
export type SocketMessage =
  /** Requests a connection. */
  | { to: "hub"; from: string; tab: string; kind: "open" }
  | { to: "hub"; from: string; kind: "text"; text: string }
  | { to: "hub"; from: string; kind: "close" };

/** A message from the hub to one socket, or to all. */
export type HubMessage =
  /** A new hub exists, and no earlier one does. */
  | { to: "all"; kind: "hub" }
  /** No hub will exist, because this tab cannot share; sent only within a tab. */
  | { to: "all"; kind: "alone" }
  | { to: string; kind: "opened" }
  | { to: string; kind: "text"; text: string }
  | { to: string; kind: "closed"; code: number; reason: string };
