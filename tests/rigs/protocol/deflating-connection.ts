import { onTestFinished } from "vitest";
import { DeflateCompression, nodeByteOperations } from "../../../src/node/index.ts";
import type { CompressionOptions } from "../../../src/node/index.ts";
import {
  Connection,
  defaultConnectionLimits,
  type ConnectionLimits,
  type DeflateParameters,
  type MemoryBudget,
  type Role,
} from "../../../src/protocol/index.ts";
import { CollectingHandler, type Seen } from "./open-connection.ts";
import { joinBytes } from "./masked-frame.ts";
import { readFrames, type WireFrame } from "./read-frames.ts";

export const kept: DeflateParameters = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};
export const fresh: DeflateParameters = {
  ...kept,
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
};

export interface DeflatingOptions {
  agreed?: DeflateParameters;
  compression?: Partial<CompressionOptions> | DeflateCompression;
  limits?: Partial<ConnectionLimits>;
  account?: MemoryBudget;
}

/** A connection with Node's compression that continues when a message is ready. */
export class DeflatingConnection {
  readonly connection: Connection;
  readonly seen = new CollectingHandler();
  #waiting: { isMet: () => boolean; resolve: () => void }[] = [];

  constructor(role: Role, options: DeflatingOptions = {}) {
    const { agreed = kept, compression = {}, limits, account: budget } = options;
    const owner =
      compression instanceof DeflateCompression ? compression : new DeflateCompression(compression);
    this.connection = new Connection(role, this.seen, {
      bytes: nodeByteOperations,
      codec: owner.codec(role, agreed),
      limits: { ...defaultConnectionLimits, ...limits },
      ...(budget && { account: budget }),
    });
    this.seen.reactToReady = () => this.connection.resume();
    this.seen.react = () => this.#check();
    // Once everything that leaves together is available.
    this.seen.reactToOutput = () => queueMicrotask(() => this.#check());
    onTestFinished(() => this.connection.transportEnded());
  }

  sentFrames(): WireFrame[] {
    return readFrames(joinBytes(this.connection.outgoing.take()));
  }

  /** Takes frames as they are sent, until there are `count`. */
  async sent(count: number): Promise<WireFrame[]> {
    const frames: WireFrame[] = [];
    await this.until(() => {
      frames.push(...this.sentFrames());
      return frames.length >= count;
    });
    return frames;
  }

  /** Resolves once `isMet` holds; checked after every event of the connection. */
  until(isMet: () => boolean): Promise<void> {
    if (isMet()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ isMet, resolve }));
  }

  async event(kind: Seen["kind"]): Promise<Seen> {
    const find = (): Seen | undefined => this.seen.events.find((event) => event.kind === kind);
    await this.until(() => find() !== undefined);
    return find()!;
  }

  #check(): void {
    const met = this.#waiting.filter(({ isMet }) => isMet());
    this.#waiting = this.#waiting.filter((one) => !met.includes(one));
    for (const { resolve } of met) resolve();
  }
}
