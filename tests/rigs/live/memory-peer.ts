import { HolderAccount, Ledger } from "../../../src/base/index.ts";
import type { FrameFormat, LivePeer } from "../../../src/live/server/live-peer.ts";

/** The rest of a handshake that shows no credentials. */
export const NOTHING_SHOWN = { remoteAddress: undefined, header: (): undefined => undefined };

/** The callbacks of the server side of a peer, which `WebSocketServer` would call. */
interface PeerOwner {
  onMessage(peer: LivePeer, message: string | Uint8Array): void | Promise<void>;
  onDrain(peer: LivePeer): void;
  onClose(peer: LivePeer): void;
  onLimit?(peer: LivePeer, reached: { code: string }): void;
}

/**
 * A peer in memory, and the wire to its client: what is sent waits until `carry` takes it over.
 *
 * A frame is the text and a line feed, which no JSON text has inside. Bytes are held by reference
 * until they are carried, as a socket does, so that a server that writes over them is found out.
 */
export class MemoryPeer implements LivePeer {
  data: unknown;
  readonly protocol: string;
  readonly frameFormat: FrameFormat = {
    name: "plain",
    encodeText: (text) => {
      this.encodings += 1;
      return Buffer.from(`${text}\n`);
    },
  };
  /** The payer's account; tests of shares pass their own ledger. */
  readonly account: HolderAccount;
  maxMessageBytes = Number.POSITIVE_INFINITY;
  bufferedAmount = 0;
  mostBuffered = 0;
  /** How often each way of sending was used. */
  sends = 0;
  frameWrites = 0;
  encodings = 0;
  closed: { code: number; reason: string } | undefined;
  /** The other end is gone, and this one does not know it yet. */
  isLost = false;
  onText: (text: string) => void = () => {};
  readonly #owner: PeerOwner;
  readonly #wire: Uint8Array[] = [];
  #carried: Uint8Array[] = [];
  #owesDrain = false;
  #isOver = false;

  /** How many of the buffered bytes are charged. */
  #chargedBytes = 0;
  #isFailing = false;
  readonly #received: (string | Uint8Array)[] = [];
  #isHandling = false;

  constructor(
    owner: PeerOwner,
    protocol = "longwire.v1",
    ledger: Ledger = new Ledger(),
    address = "192.0.2.1",
  ) {
    this.#owner = owner;
    this.protocol = protocol;
    this.account = new HolderAccount(ledger.payer(`address ${address}`), this);
  }

  limitMessages(maxBytes: number): void {
    this.maxMessageBytes = maxBytes;
  }

  onEvicted(): void {
    // The closing message is not charged again.
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#owner.onLimit?.(this, { code: "over_share" });
  }

  /** Whether a message was refused because it is too long. */
  refuses(message: string | Uint8Array): boolean {
    const isTooLong = Buffer.byteLength(message) > this.maxMessageBytes;
    if (isTooLong) this.#owner.onLimit?.(this, { code: "message_too_big" });
    return isTooLong;
  }

  /** Whether the server takes its time for a message; those behind it wait. */
  get isHandling(): boolean {
    return this.#isHandling && this.isOpen;
  }

  get isOpen(): boolean {
    return !this.#isOver && this.closed === undefined;
  }

  send(text: string): boolean {
    this.sends += 1;
    return this.#put(Buffer.from(`${text}\n`));
  }

  sendFrames(frames: Uint8Array): boolean {
    this.frameWrites += 1;
    return this.#put(frames);
  }

  close(code: number, reason: string): void {
    if (this.isOpen) this.closed = { code, reason };
  }

  watchDrain(): void {
    this.#owesDrain = true;
  }

  /** Receives a message from the client. */
  receive(message: string | object | Uint8Array): void {
    if (!this.isOpen) return;
    const isWire = typeof message === "string" || message instanceof Uint8Array;
    const wire = isWire ? message : JSON.stringify(message);
    if (this.refuses(wire)) return;
    this.#received.push(wire);
    if (!this.#isHandling) this.#handleNext();
  }

  /** Delivers up to `maxBytes` to the client; a closed peer ends once everything is delivered. */
  carry(maxBytes = Number.POSITIVE_INFINITY): void {
    let room = maxBytes;
    while (room > 0 && this.#wire.length > 0) {
      const first = this.#wire[0]!;
      const part = first.subarray(0, Math.min(room, first.length));
      if (part.length === first.length) this.#wire.shift();
      else this.#wire[0] = first.subarray(part.length);
      room -= part.length;
      this.bufferedAmount -= part.length;
      if (!this.isLost) this.#arrive(part);
    }
    if (this.bufferedAmount > 0) return;
    this.account.refund(this.#chargedBytes);
    this.#chargedBytes = 0;
    if (this.closed !== undefined) return this.end();
    if (!this.#owesDrain) return;
    this.#owesDrain = false;
    this.#owner.onDrain(this);
  }

  /** Ends the transport; data in transit is lost. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.account.close();
    this.#owner.onClose(this);
  }

  /** A message waits until the one before it has been handled, as on a socket. */
  #handleNext(): void {
    while (this.isOpen) {
      const wire = this.#received.shift();
      if (wire === undefined) return;
      const pending = this.#owner.onMessage(this, wire);
      if (!(pending instanceof Promise)) continue;
      this.#isHandling = true;
      void pending.finally(() => {
        this.#isHandling = false;
        this.#handleNext();
      });
      return;
    }
  }

  #put(bytes: Uint8Array): boolean {
    if (!this.isOpen) return false;
    this.#wire.push(bytes);
    this.bufferedAmount += bytes.length;
    this.mostBuffered = Math.max(this.mostBuffered, this.bufferedAmount);
    const growth = this.bufferedAmount - this.#chargedBytes;
    if (growth <= 0 || this.#isFailing) return true;
    if (this.account.charge(growth)) this.#chargedBytes += growth;
    else this.onEvicted();
    return this.isOpen;
  }

  #arrive(part: Uint8Array): void {
    let from = 0;
    for (let at = part.indexOf(10); at !== -1; at = part.indexOf(10, from)) {
      const text = Buffer.concat([...this.#carried, part.subarray(from, at)]).toString();
      this.#carried = [];
      from = at + 1;
      this.onText(text);
    }
    // A copy, as the network makes one.
    if (from < part.length) this.#carried.push(part.slice(from));
  }
}

/** Waits until all pending microtasks have run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await Promise.resolve();
}
