import type { CloseEvent } from "./close-event.ts";
import type { FailureEvent } from "./fired-event.ts";

/** What `send` takes. */
export type WebSocketData = string | ArrayBuffer | ArrayBufferView | Blob;

/** Subprotocols, alone or among the options that later standards may add to. */
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

/** What an `on…` attribute takes. */
export type EventHandler<Target, Kind extends keyof WebSocketEventMap> =
  | ((this: Target, event: WebSocketEventMap[Kind]) => unknown)
  | null;

/**
 * What an `on…` attribute gives: a function of any event, so that a socket can stand where the
 * DOM's is expected, whose handlers are told less.
 */
// oxlint-disable-next-line typescript/no-explicit-any
export type PresentHandler = ((this: any, event: any) => unknown) | null;
