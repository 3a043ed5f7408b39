import { HolderAccount, type Payer } from "../base/index.ts";
import type { FrameFormat, LiveEndpoint, LivePeer } from "../live/index.ts";
import { memoryFrames } from "./memory-frames.ts";

/** What a peer does with what the server sends. */
export interface PeerDriver {
  bufferedAmount(): number;
  put(bytes: Uint8Array): void;
  close(code: number, reason: string): void;
}

/** A server's end of a connection in memory. */
export class MemoryPeer implements LivePeer {
  data: unknown;
  readonly protocol: string;
  readonly frameFormat: FrameFormat = memoryFrames;
  readonly account: HolderAccount;
  readonly #endpoint: LiveEndpoint;
  readonly #driver: PeerDriver;
  /** Messages wait for the one before them. */
  #handling: Promise<void> | undefined;
  readonly #waiting: string[] = [];
  #watchesDrain = false;
  #isClosing = false;
  #maxMessageBytes: number;
  /** What of the buffered bytes is charged. */
  #chargedBytes = 0;
  /** It is being closed by the server: the last words are not charged. */
  #isFailing = false;
  isOver = false;

  constructor(
    endpoint: LiveEndpoint,
    { protocol, payer }: { protocol: string; payer: Payer },
    driver: PeerDriver,
  ) {
    this.#endpoint = endpoint;
    this.protocol = protocol;
    this.#driver = driver;
    this.#maxMessageBytes = endpoint.maxMessageBytes;
    this.account = new HolderAccount(payer, this);
  }

  limitMessages(maxBytes: number): void {
    this.#maxMessageBytes = maxBytes;
  }

  /** Others need the memory that it holds. */
  onEvicted(): void {
    this.#fail("over_share", 1013);
  }

  get isOpen(): boolean {
    return !this.isOver && !this.#isClosing;
  }

  get bufferedAmount(): number {
    return this.isOver ? 0 : this.#driver.bufferedAmount();
  }

  send(text: string): boolean {
    return this.sendFrames(memoryFrames.encodeText(text));
  }

  sendFrames(frames: Uint8Array): boolean {
    if (!this.isOpen) return false;
    this.#driver.put(frames);
    const growth = this.bufferedAmount - this.#chargedBytes;
    if (growth <= 0 || this.#isFailing) return true;
    if (!this.account.charge(growth)) this.#fail("over_share", 1013);
    else this.#chargedBytes += growth;
    return this.isOpen;
  }

  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.#isClosing = true;
    this.#driver.close(code, reason);
  }

  watchDrain(): void {
    this.#watchesDrain = true;
  }

  /** Everything that was written has left. */
  onDrained(): void {
    this.account.refund(this.#chargedBytes);
    this.#chargedBytes = 0;
    if (!this.#watchesDrain || this.isOver) return;
    this.#watchesDrain = false;
    this.#endpoint.onDrain(this);
  }

  /** A message has arrived. */
  receive(text: string): void {
    if (!this.isOpen) return;
    if (new TextEncoder().encode(text).length > this.#maxMessageBytes) {
      return this.#fail("message_too_big", 1009);
    }
    this.#waiting.push(text);
    if (this.#handling === undefined) this.#handleNext();
  }

  /** The connection is over. */
  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.account.close();
    this.#endpoint.onClose(this);
  }

  /** The server is over, and is told nothing any more. */
  forget(): void {
    this.isOver = true;
    this.account.close();
  }

  #fail(code: string, closeCode: number): void {
    this.#isFailing = true;
    this.#endpoint.onLimit(this, { code });
    this.close(closeCode, "");
  }

  #handleNext(): void {
    while (this.isOpen) {
      const text = this.#waiting.shift();
      if (text === undefined) return;
      const pending = this.#endpoint.onMessage(this, text);
      if (!(pending instanceof Promise)) continue;
      this.#handling = pending.then(() => {
        this.#handling = undefined;
        this.#handleNext();
      });
      return;
    }
  }
}
