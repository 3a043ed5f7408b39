import { HolderAccount, type Payer } from "../base/index.ts";
import type { FrameFormat, LiveEndpoint, LivePeer } from "../live/index.ts";
import { memoryFrames } from "./memory-frames.ts";

/** Receives what a peer does. */
export interface PeerDriver {
  bufferedAmount(): number;
  put(bytes: Uint8Array): void;
  close(code: number, reason: string): void;
}

/** The server's end of an in-memory connection. */
export class MemoryPeer implements LivePeer {
  data: unknown;
  readonly protocol: string;
  readonly frameFormat: FrameFormat = memoryFrames;
  readonly account: HolderAccount;
  readonly #endpoint: LiveEndpoint;
  readonly #driver: PeerDriver;
  /** The previous message, which later messages wait for. */
  #handling: Promise<void> | undefined;
  readonly #waiting: string[] = [];
  #watchesDrain = false;
  #isClosing = false;
  #maxMessageBytes: number;
  /** The charged part of the buffered bytes. */
  #chargedBytes = 0;
  /** Set while the server closes the connection, because the last message is not charged. */
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

  /** The ledger needs the memory that this connection holds. */
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

  /** Everything written has been sent. */
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

  /** The connection has ended. */
  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.account.close();
    this.#endpoint.onClose(this);
  }

  /** The server has ended and receives no further events. */
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
