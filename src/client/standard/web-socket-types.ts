import type { CloseEvent } from "./close-event.ts";
import type { FailureEvent } from "./fired-event.ts";

/** The data that `send` accepts. */
export type WebSocketData = string | ArrayBuffer | ArrayBufferView | Blob;

/** Subprotocols, alone or in an options object that later standards may extend. */
export type SubprotocolsArgument =
  | string
  | readonly string[]
  | { protocols?: string | readonly string[] };

export interface WebSocketEventMap {
  open: Event;
  message: MessageEvent;
  error: FailureEvent;
  close: CloseEvent;
}

/** A value that can be assigned to an `on…` attribute. */
export type EventHandler<Target, Kind extends keyof WebSocketEventMap> =
  | ((this: Target, event: WebSocketEventMap[Kind]) => unknown)
  | null;

/**
 * The value of an `on…` attribute. It accepts any event, so that a socket can be used where the
 * DOM's `WebSocket` is expected, whose events have fewer members.
 */
// oxlint-disable-next-line typescript/no-explicit-any
export type PresentHandler = ((this: any, event: any) => unknown) | null;
