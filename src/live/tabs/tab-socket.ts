import type { Clock, Timer } from "../../base/index.ts";
import type { ClientSocket } from "../client/index.ts";
import type { HubMessage, SocketMessage } from "./tab-message.ts";

/** How long a hub has to answer, before a socket connects by itself. */
const HUB_TIMEOUT_MS = 3_000;

/** What a connection without any close frame ends with. (RFC 6455 §7.1.5) */
const ABNORMAL = 1006;

/** The tab that a socket belongs to, as the socket sees it. */
export interface Tab {
  readonly id: string;
  readonly clock: Clock;
  /** Whether there is no hub to wait for. */
  readonly isAlone: boolean;
  /** Hears what the hub says to this socket, until `forget`. */
  listen(socket: string, listener: (message: HubMessage) => void): void;
  forget(socket: string): void;
  tell(message: SocketMessage): void;
  /** Connects without the others, for when the hub does not answer. */
  connectDirectly(): ClientSocket;
}

type Way =
  | { kind: "asking"; timer: Timer }
  | { kind: "hub" }
  | { kind: "direct"; socket: ClientSocket };

/** A WebSocket of a tab whose messages go through the hub of all tabs. */
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
    tab.listen(id, (message) => this.#hear(message));
    if (tab.isAlone) this.#goDirectly();
    else this.#ask();
  }

  send(text: string): void {
    if (this.#way.kind === "direct") this.#way.socket.send(text);
    else this.#tab.tell({ to: "hub", from: this.#id, kind: "text", text });
  }

  close(): void {
    if (this.#way.kind === "direct") return this.#way.socket.close();
    this.#tab.tell({ to: "hub", from: this.#id, kind: "close" });
    this.#end(ABNORMAL, "");
  }

  #ask(): void {
    this.#tab.tell({ to: "hub", from: this.#id, tab: this.#tab.id, kind: "open" });
  }

  #hear(message: HubMessage): void {
    if (this.#isOver || this.#way.kind === "direct") return;
    switch (message.kind) {
      case "hub":
        // The tab that had the connection is gone, and the connection with it.
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

  /** The tab that has the connection does not answer, or this one cannot share. */
  #goDirectly(): void {
    if (this.#way.kind === "asking") this.#way.timer.cancel();
    this.#tab.tell({ to: "hub", from: this.#id, kind: "close" });
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

/** A client that has left a socket has taken its handlers away. */
function call(handler: unknown, event: unknown): void {
  if (typeof handler === "function") handler(event);
}
