import type { DeflateRaw, InflateRaw } from "node:zlib";
import {
  acceptDeflateOffer,
  MemoryBudget,
  type DeflateAcceptance,
  type DeflateParameters,
  type DeflatePreferences,
  type Extension,
  type MessageCodec,
  type Role,
} from "../../protocol/index.ts";
import { resolveCompression, type CompressionOptions } from "./compression-options.ts";
import { DeflatedFrames } from "./deflated-frames.ts";
import { MessageDeflater } from "./message-deflater.ts";
import { MessageInflater } from "./message-inflater.ts";
import { canRunSynchronously } from "./sync-zlib.ts";
import { ThreadTurns } from "./thread-turns.ts";
import {
  ContextPool,
  createDeflateContext,
  createInflateContext,
  deflateContextBytes,
  inflateContextBytes,
  type DeflateShape,
} from "./zlib-context.ts";

/** Any window can be read with the largest. */
const SHARED_INFLATE_BITS = 15;

/** The long messages of the whole process. */
const turns = new ThreadTurns();

/** One direction's context, agreed: its window, and whether it goes from message to message. */
interface Direction {
  windowBits: number;
  keepsContext: boolean;
}

/** What compresses and inflates one connection's messages, and what it has in common with others. */
export interface AgreedCodec extends MessageCodec {
  /**
   * Makes frames for this and other peers of a server; connections with equal outgoing parameters
   * have the same. `undefined` where what is sent refers to earlier messages: a frame that was not
   * made on this connection's context would put the peer's window out of step with it. Uncompressed
   * frames are always allowed. (RFC 7692 §6)
   */
  readonly frames: DeflatedFrames | undefined;
}

/**
 * Compression for all connections of one owner: its options, shared contexts and ceiling.
 *
 * Given to several servers and clients, it is one ceiling for all of them, for the whole process if
 * they are all that compress there.
 */
export class Compression {
  readonly #options: CompressionOptions;
  readonly #budget: MemoryBudget;
  readonly #deflatePools = new Map<number, ContextPool<DeflateRaw>>();
  readonly #frames = new Map<number, DeflatedFrames>();
  readonly #inflatePool = new ContextPool<InflateRaw>(() =>
    createInflateContext(SHARED_INFLATE_BITS),
  );

  /** @throws LongwireError `invalid_limit`, `invalid_compression` */
  constructor(options: Partial<CompressionOptions> = {}) {
    this.#options = resolveCompression(options);
    this.#budget = new MemoryBudget(this.#options.maxContextBytes);
  }

  /** Bytes that the contexts of single connections hold. */
  get contextBytes(): number {
    return this.#budget.usedBytes;
  }

  /** What to offer or to accept now: no context takeover where its memory is used up. */
  get preferences(): DeflatePreferences {
    const { outgoingWindowBits, incomingWindowBits } = this.#options;
    const most =
      deflateContextBytes(this.#shape(outgoingWindowBits)) +
      inflateContextBytes(SHARED_INFLATE_BITS);
    const hasRoom = this.#budget.usedBytes + most <= this.#budget.limitBytes;
    return {
      outgoingWindowBits,
      incomingWindowBits,
      outgoingContextTakeover: hasRoom && this.#options.outgoingContextTakeover,
      incomingContextTakeover: hasRoom && this.#options.incomingContextTakeover,
    };
  }

  /** Chooses among a client's offers; see `acceptDeflateOffer`. */
  accept(offers: readonly Extension[]): DeflateAcceptance | undefined {
    return acceptDeflateOffer(offers, this.preferences);
  }

  /** Makes what compresses and inflates one connection's messages. */
  codec(role: Role, agreed: DeflateParameters): AgreedCodec {
    const server: Direction = {
      windowBits: agreed.serverMaxWindowBits,
      keepsContext: !agreed.serverNoContextTakeover,
    };
    const client: Direction = {
      windowBits: agreed.clientMaxWindowBits,
      keepsContext: !agreed.clientNoContextTakeover,
    };
    return role === "server" ? this.#codec(server, client) : this.#codec(client, server);
  }

  #codec(outgoing: Direction, incoming: Direction): AgreedCodec {
    const shape = this.#shape(outgoing.windowBits);
    // What the peer refers to we must have; what we refer to is ours to leave out, which it has to
    // be where others took the room since it was asked for.
    const inflaterBytes = this.#charge(
      incoming.keepsContext,
      inflateContextBytes(incoming.windowBits),
    );
    const deflaterBytes = this.#charge(outgoing.keepsContext, deflateContextBytes(shape));
    const keepsOutgoing = deflaterBytes > 0;
    const deflater = new MessageDeflater({
      pool: keepsOutgoing ? ownDeflatePool(shape) : this.#deflatePool(shape),
      keepsContext: keepsOutgoing,
      thresholdBytes: this.#options.thresholdBytes,
      turns,
      isSynchronous: canRunSynchronously(),
    });
    const inflater = new MessageInflater(
      incoming.keepsContext ? ownInflatePool(incoming.windowBits) : this.#inflatePool,
      incoming.keepsContext,
    );
    let charged = inflaterBytes + deflaterBytes;
    return {
      deflater,
      inflater,
      frames: keepsOutgoing ? undefined : this.#framesWithin(shape),
      close: () => {
        deflater.close();
        inflater.close();
        this.#budget.give(charged);
        charged = 0;
      },
    };
  }

  /** Returns what was charged: nothing where it is not wanted, or where there is no room. */
  #charge(isWanted: boolean, bytes: number): number {
    return isWanted && this.#budget.take(bytes) ? bytes : 0;
  }

  #deflatePool(shape: DeflateShape): ContextPool<DeflateRaw> {
    let pool = this.#deflatePools.get(shape.windowBits);
    if (pool === undefined) {
      pool = new ContextPool(() => createDeflateContext(shape));
      this.#deflatePools.set(shape.windowBits, pool);
    }
    return pool;
  }

  #framesWithin(shape: DeflateShape): DeflatedFrames {
    let frames = this.#frames.get(shape.windowBits);
    if (frames === undefined) {
      const { thresholdBytes } = this.#options;
      frames = new DeflatedFrames(shape, this.#deflatePool(shape), thresholdBytes);
      this.#frames.set(shape.windowBits, frames);
    }
    return frames;
  }

  #shape(windowBits: number): DeflateShape {
    return { level: this.#options.level, memLevel: this.#options.memLevel, windowBits };
  }
}

/** How an owner of connections says what it wants: yes or no, options, or one that it shares. */
export type CompressionChoice = boolean | Partial<CompressionOptions> | Compression;

/** Returns what compresses for such an owner; `undefined` for no compression. Default yes. */
export function compressionOf(choice: CompressionChoice = true): Compression | undefined {
  if (choice === false) return undefined;
  if (choice instanceof Compression) return choice;
  return new Compression(choice === true ? {} : choice);
}

function ownDeflatePool(shape: DeflateShape): ContextPool<DeflateRaw> {
  return new ContextPool(() => createDeflateContext(shape));
}

function ownInflatePool(windowBits: number): ContextPool<InflateRaw> {
  return new ContextPool(() => createInflateContext(windowBits));
}
