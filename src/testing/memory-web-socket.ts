/** Additional members of an event. */
type EventFields = Record<string, unknown>;

type Handler = ((event: Event & EventFields) => void) | null;

/** The network's side of a socket. */
export interface SocketDriver {
  send(text: string): void;
  close(code: number, reason: string): void;
  readonly bufferedAmount: number;
}

/** Events that the network reports to a socket. */
export interface SocketHandler {
  /** The connection is open. */
  onOpen(protocol: string): void;
  onMessage(data: string): void;
  onClosed(closure: { code: number; reason: string; wasClean: boolean }): void;
}

/** Whether applications may close with this code. (WHATWG WebSockets §3.1) */
function isClosable(code: number): boolean {
  return code === 1000 || (code >= 3000 && code <= 4999);
}

/**
 * A browser-like WebSocket on an in-memory network, with the part of the API that applications use,
 * for text messages.
 */
export class MemoryWebSocket extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSING = 2;
  readonly CLOSED = 3;
  readonly url: string;
  readonly extensions = "";
  protocol = "";
  binaryType: BinaryType = "blob";
  readyState: 0 | 1 | 2 | 3 = 0;
  onopen: Handler = null;
  onmessage: Handler = null;
  onerror: Handler = null;
  onclose: Handler = null;
  readonly #driver: SocketDriver;

  /** Use the class that `MemoryNetwork.WebSocket` returns. */
  constructor(
    url: string,
    connect: (socket: MemoryWebSocket, handler: SocketHandler) => SocketDriver,
  ) {
    super();
    this.url = url;
    this.#driver = connect(this, {
      onOpen: (protocol) => this.#open(protocol),
      onMessage: (data) => this.#deliver(data),
      onClosed: (closure) => this.#end(closure),
    });
  }

  get bufferedAmount(): number {
    return this.#driver.bufferedAmount;
  }

  /** @throws DOMException `InvalidStateError` while it is connecting */
  send(text: string): void {
    if (typeof text !== "string") throw new TypeError("This network carries text; send a string.");
    if (this.readyState === this.CONNECTING) {
      throw new DOMException("The socket is still connecting.", "InvalidStateError");
    }
    if (this.readyState === this.OPEN) this.#driver.send(text);
  }

  /** @throws DOMException `InvalidAccessError` for a code that applications may not use */
  close(code = 1005, reason = ""): void {
    if (code !== 1005 && !isClosable(code)) {
      const message = `The code ${code} is not valid; use 1000 or 3000 to 4999.`;
      throw new DOMException(message, "InvalidAccessError");
    }
    if (this.readyState >= this.CLOSING) return;
    this.readyState = this.CLOSING;
    this.#driver.close(code, reason);
  }

  #open(protocol: string): void {
    if (this.readyState !== this.CONNECTING) return;
    this.protocol = protocol;
    this.readyState = this.OPEN;
    this.#fire("open", {});
  }

  #deliver(data: string): void {
    // Messages that arrive while it is closing are still delivered. (WHATWG WebSockets §4)
    if (this.readyState !== this.CLOSED) this.#fire("message", { data, origin: this.url });
  }

  #end({ code, reason, wasClean }: { code: number; reason: string; wasClean: boolean }): void {
    if (this.readyState === this.CLOSED) return;
    this.readyState = this.CLOSED;
    if (!wasClean) this.#fire("error", {});
    this.#fire("close", { code, reason, wasClean });
  }

  #fire(type: "open" | "message" | "error" | "close", fields: EventFields): void {
    const event = Object.assign(new Event(type), fields);
    // A handler that throws is a bug in the application and must not stop the network.
    try {
      this[`on${type}`]?.(event);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
    this.dispatchEvent(event);
  }
}
