/** What a tab's socket tells the hub. */
export type SocketMessage =
  /** It wants to be connected. */
  | { to: "hub"; from: string; tab: string; kind: "open" }
  | { to: "hub"; from: string; kind: "text"; text: string }
  | { to: "hub"; from: string; kind: "close" };

/** What the hub tells a socket, or all of them. */
export type HubMessage =
  /** There is a hub now, and none that was before. */
  | { to: "all"; kind: "hub" }
  /** There never will be one, since this tab cannot share; told within a tab only. */
  | { to: "all"; kind: "alone" }
  | { to: string; kind: "opened" }
  | { to: string; kind: "text"; text: string }
  | { to: string; kind: "closed"; code: number; reason: string };
