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
import { ContextPool, OwnContext, type ContextSource } from "./context-pool.ts";
import { resolveCompression, type CompressionOptions } from "./compression-options.ts";
import { DeflatedFrames } from "./deflated-frames.ts";
import { canRunSynchronously } from "../internals/sync-zlib.ts";
import { MessageDeflater } from "./message-deflater.ts";
import { MessageInflater } from "./message-inflater.ts";
import { ThreadTurns } from "./thread-turns.ts";
import {
  createDeflateContext,
  createInflateContext,
  deflateContextBytes,
  inflateContextBytes,
  type DeflateShape,
} from "./zlib-context.ts";

/** The largest window can read data of any window. */
const SHARED_INFLATE_BITS = 15;

/** Limits the long messages of the whole process. */
const turns = new ThreadTurns();

/** The agreed context of one direction: its window, and whether it is kept between messages. */
interface Direction {
  windowBits: number;
  keepsContext: boolean;
}

/** The codec for one connection's messages, with the parts that it shares with others. */
export interface AgreedCodec extends MessageCodec {
  /**
   * Encodes frames for this and other peers of a server. Connections with equal outgoing parameters
   * share it. `undefined` if sent messages refer to earlier ones, because a frame that was
   * compressed elsewhere would put the peer's window out of step with this connection's context.
   * Uncompressed frames are always allowed. (RFC 7692 §6)
   */
  readonly frames: DeflatedFrames | undefined;
}

type SharedCodec = AgreedCodec & { readonly frames: DeflatedFrames };

/** Compression as servers and clients use it: its options, shared contexts and memory limit. */
export class DeflateCompression {
  readonly #options: CompressionOptions;
  readonly #budget: MemoryBudget;
  /** By window size, for messages that do not refer to earlier ones. */
  readonly #shared = new Map<number, SharedCodec>();
  #sharedInflater: MessageInflater | undefined;

  constructor(options: Partial<CompressionOptions> = {}) {
    this.#options = resolveCompression(options);
    this.#budget = new MemoryBudget(this.#options.maxContextBytes);
  }

  /** The memory that the contexts of single connections hold, in bytes. */
  get contextBytes(): number {
    return this.#budget.usedBytes;
  }

  /** The current preferences: without context takeover if its memory is used up. */
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

  /** Chooses one of a client's offers; see `acceptDeflateOffer`. */
  accept(offers: readonly Extension[]): DeflateAcceptance | undefined {
    return acceptDeflateOffer(offers, this.preferences);
  }

  /**
   * Returns the codec for one connection's messages. Connections with equal parameters and no
   * context takeover share one, so it costs them nothing.
   */
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

  /** Determined when the first codec is created, because it requires a trial run. */
  get #isSynchronous(): boolean {
    return this.#options.nodeInternals && canRunSynchronously();
  }

  get #inflater(): MessageInflater {
    const isSynchronous = this.#isSynchronous;
    return (this.#sharedInflater ??= new MessageInflater(
      // Reset after every message, because a peer must never be able to refer to another peer's
      // data.
      new ContextPool<InflateRaw>(
        isSynchronous,
        () => createInflateContext(SHARED_INFLATE_BITS, isSynchronous),
        (context) => context.sync?.reset(),
      ),
    ));
  }

  #codec(outgoing: Direction, incoming: Direction): AgreedCodec {
    const shape = this.#shape(outgoing.windowBits);
    // If the peer keeps a context, this end must, too. Its own context is optional, so it is left
    // out if others have used the memory since the negotiation.
    const inflaterBytes = this.#charge(
      incoming.keepsContext,
      inflateContextBytes(incoming.windowBits),
    );
    const deflaterBytes = this.#charge(outgoing.keepsContext, deflateContextBytes(shape));
    const shared = this.#sharedCodec(shape);
    if (deflaterBytes === 0 && !incoming.keepsContext) return shared;
    const isSynchronous = this.#isSynchronous;
    const inflating = incoming.keepsContext
      ? ownInflating(incoming.windowBits, isSynchronous)
      : undefined;
    const deflating = deflaterBytes > 0 ? ownDeflating(shape, isSynchronous) : undefined;
    let charged = inflaterBytes + deflaterBytes;
    return {
      deflater: deflating ? this.#deflater(deflating, shape) : shared.deflater,
      inflater: inflating ? new MessageInflater(inflating) : shared.inflater,
      frames: deflating ? undefined : shared.frames,
      close: () => {
        deflating?.discard();
        inflating?.discard();
        this.#budget.refund(charged);
        charged = 0;
      },
    };
  }

  /** Returns the bytes charged: 0 if the context is not wanted, or if there is no room for it. */
  #charge(isWanted: boolean, bytes: number): number {
    return isWanted && this.#budget.charge(bytes) ? bytes : 0;
  }

  #sharedCodec(shape: DeflateShape): SharedCodec {
    let shared = this.#shared.get(shape.windowBits);
    if (shared === undefined) {
      const isSynchronous = this.#isSynchronous;
      const pool = new ContextPool(isSynchronous, () =>
        createDeflateContext(shape, { keepsContext: false, isSynchronous }),
      );
      const { thresholdBytes } = this.#options;
      shared = {
        deflater: this.#deflater(pool, shape),
        inflater: this.#inflater,
        frames: new DeflatedFrames(shape, pool, thresholdBytes),
        close: () => {},
      };
      this.#shared.set(shape.windowBits, shared);
    }
    return shared;
  }

  #deflater(contexts: ContextSource<DeflateRaw>, shape: DeflateShape): MessageDeflater {
    const { thresholdBytes } = this.#options;
    return new MessageDeflater({ contexts, shape, thresholdBytes, turns });
  }

  #shape(windowBits: number): DeflateShape {
    return { level: this.#options.level, memLevel: this.#options.memLevel, windowBits };
  }
}

function ownDeflating(shape: DeflateShape, isSynchronous: boolean): OwnContext<DeflateRaw> {
  return new OwnContext(isSynchronous, () =>
    createDeflateContext(shape, { keepsContext: true, isSynchronous }),
  );
}

function ownInflating(windowBits: number, isSynchronous: boolean): OwnContext<InflateRaw> {
  return new OwnContext(isSynchronous, () => createInflateContext(windowBits, isSynchronous));
}
