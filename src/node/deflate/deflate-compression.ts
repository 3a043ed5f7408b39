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

type SharedCodec = AgreedCodec & { readonly frames: DeflatedFrames };

/** Compression with what servers and clients ask of it: its options, shared contexts and ceiling. */
export class DeflateCompression {
  readonly #options: CompressionOptions;
  readonly #budget: MemoryBudget;
  /** By window, for what is sent without reference to earlier messages. */
  readonly #shared = new Map<number, SharedCodec>();
  #sharedInflater: MessageInflater | undefined;

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

  /**
   * Returns what compresses and inflates one connection's messages: the same for all connections
   * that agreed to the same and keep nothing from message to message, so that it costs them nothing.
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

  /** Asked when the first codec is made, since that tries it out. */
  get #isSynchronous(): boolean {
    return this.#options.nodeInternals && canRunSynchronously();
  }

  get #inflater(): MessageInflater {
    const isSynchronous = this.#isSynchronous;
    return (this.#sharedInflater ??= new MessageInflater(
      // A peer must never be able to refer to what another one sent.
      new ContextPool<InflateRaw>(
        isSynchronous,
        () => createInflateContext(SHARED_INFLATE_BITS, isSynchronous),
        (context) => context.sync?.reset(),
      ),
    ));
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

  /** Returns what was charged: nothing where it is not wanted, or where there is no room. */
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
