/** A WebSocket whose network is the test: it remembers what was sent and plays what is told. */
export class StandInWebSocket extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  static made: StandInWebSocket[] = [];

  static get latest(): StandInWebSocket {
    const latest = StandInWebSocket.made.at(-1);
    if (!latest) throw new Error("no WebSocket was made; expected one");
    return latest;
  }

  readonly url: string;
  readonly sent: string[] = [];
  readonly closeCalls: unknown[][] = [];
  readonly protocol = "";
  readonly extensions = "";
  bufferedAmount = 0;
  readyState = 0;
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onerror: ((event: Event) => void) | null = null;
  onclose: ((event: Event) => void) | null = null;

  constructor(url: string) {
    super();
    this.url = url;
    StandInWebSocket.made.push(this);
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(...facts: unknown[]): void {
    this.closeCalls.push(facts);
    if (this.readyState < 2) this.readyState = 2;
  }

  opens(): void {
    this.readyState = 1;
    this.#fire(new Event("open"), this.onopen);
  }

  brings(data: unknown): void {
    const text = typeof data === "string" ? data : JSON.stringify(data);
    const event = new MessageEvent("message", { data: text });
    this.onmessage?.(event);
    this.dispatchEvent(event);
  }

  fails(): void {
    this.#fire(new Event("error"), this.onerror);
  }

  ends(code = 1006, reason = "", wasClean: boolean = code !== 1006): void {
    this.readyState = 3;
    this.#fire(Object.assign(new Event("close"), { code, reason, wasClean }), this.onclose);
  }

  #fire(event: Event, handler: ((event: Event) => void) | null): void {
    handler?.(event);
    this.dispatchEvent(event);
  }
}
