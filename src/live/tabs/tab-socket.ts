import type { Clock, Timer } from "../../base/index.ts";
import type { ClientSocket } from "../client/index.ts";
import type { HubMessage, SocketMessage } from "./tab-message.ts";

/** How long a hub may take to answer before a socket connects directly. */
const HUB_TIMEOUT_MS = 3_000;

/** The close code of a connection that ended without a close frame. (RFC 6455 §7.1.5) */
const ABNORMAL = 1006;

/** The tab of a socket. */
export interface Tab {
  readonly id: string;
  readonly clock: Clock;
  /** Whether no hub will answer. */
  readonly isAlone: boolean;
  /** Passes the hub's messages for this socket to `listener`, until `forget`. */
  listen(socket: string, listener: (message: HubMessage) => void): void;
  forget(socket: string): void;
  post(message: SocketMessage): void;
  /** Connects without the other tabs, for when the hub does not answer. */
  connectDirectly(): ClientSocket;
}

type Way =
  | { kind: "asking"; timer: Timer }
  | { kind: "hub" }
  | { kind: "direct"; socket: ClientSocket };

/** A tab's WebSocket whose messages go through the hub of all tabs. */
export class TabSocket implements ClientSocket {
  onopen: unknown = null;
  onmessage: unknown = null;
  onerror: unknown = null;
  onclose: unknown = null;
  readonly #tab: Tab;
  readonly #id: string;
  #way: Way;
  #isOver = false;

  constructor(tab: Tab, id: string) {
    this.#tab = tab;
    this.#id = id;
    const timer = tab.clock.after(HUB_TIMEOUT_MS, () => this.#goDirectly());
    this.#way = { kind: "asking", timer };
    tab.listen(id, (message) => this.#onHubMessage(message));
    if (tab.isAlone) this.#goDirectly();
    else this.#ask();
  }

  send(text: string): void {
    if (this.#way.kind === "direct") this.#way.socket.send(text);
    else this.#tab.post({ to: "hub", from: this.#id, kind: "text", text });
  }

  close(): void {
    if (this.#way.kind === "direct") return this.#way.socket.close();
    this.#tab.post({ to: "hub", from: this.#id, kind: "close" });
    this.#end(ABNORMAL, "");
  }

  #ask(): void {
    this.#tab.post({ to: "hub", from: this.#id, tab: this.#tab.id, kind: "open" });
  }

  #onHubMessage(message: HubMessage): void {
    if (this.#isOver || this.#way.kind === "direct") return;
    switch (message.kind) {
      case "hub":
        // The tab that held the connection is gone, and so is the connection.
        if (this.#way.kind === "hub") return this.#end(ABNORMAL, "");
        return this.#ask();
      case "alone":
        return this.#goDirectly();
      case "opened":
        if (this.#way.kind === "hub") return;
        this.#way.timer.cancel();
        this.#way = { kind: "hub" };
        return call(this.onopen, {});
      case "text":
        return call(this.onmessage, { data: message.text });
      case "closed":
        return this.#end(message.code, message.reason);
    }
  }

  /** Connects directly, because the hub does not answer or this tab cannot share. */
  #goDirectly(): void {
    if (this.#way.kind === "asking") this.#way.timer.cancel();
    this.#tab.post({ to: "hub", from: this.#id, kind: "close" });
    this.#tab.forget(this.#id);
    const socket = this.#tab.connectDirectly();
    this.#way = { kind: "direct", socket };
    socket.onopen = (event: unknown) => call(this.onopen, event);
    socket.onmessage = (event: unknown) => call(this.onmessage, event);
    socket.onerror = (event: unknown) => call(this.onerror, event);
    socket.onclose = (event: unknown) => call(this.onclose, event);
  }

  #end(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#way.kind === "asking") this.#way.timer.cancel();
    this.#tab.forget(this.#id);
    call(this.onclose, { code, reason });
  }
}

/** A client that has abandoned a socket has removed its handlers. */
function call(handler: unknown, event: unknown): void {
  if (typeof handler === "function") handler(event);
}
