import { createDeflateRaw, createInflateRaw, constants, type ZlibOptions } from "node:zlib";
import { DeflateCompression, type CompressionOptions } from "../../node/index.ts";
import type { MessageCodec, Role } from "../../protocol/index.ts";
import type { Parameters } from "./extension.ts";
import { ZlibStream } from "./zlib-stream.ts";

/** What `ws` takes for permessage-deflate. */
export interface PerMessageDeflateOptions {
  /** Whether what a server sends stands alone. Left out, it does. */
  serverNoContextTakeover?: boolean | undefined;
  /** Whether what a client sends stands alone. Left out, a server asks for it. */
  clientNoContextTakeover?: boolean | undefined;
  /** The server's window, 8 to 15, or whether one may be asked for. */
  serverMaxWindowBits?: number | boolean | undefined;
  /** The client's window, 8 to 15, or whether one may be asked for. */
  clientMaxWindowBits?: number | boolean | undefined;
  /** Of these `level` and `memLevel` count. */
  zlibDeflateOptions?: ZlibOptions | undefined;
  zlibInflateOptions?: ZlibOptions | undefined;
  /** From how many bytes on a message is compressed. Default 1024. */
  threshold?: number | undefined;
  /** How many messages are compressed at once; the engine has its own number. */
  concurrencyLimit?: number | undefined;
}

interface InternalOptions extends PerMessageDeflateOptions {
  isServer?: boolean | undefined;
  maxPayload?: number | undefined;
}

/** The parameters that two ends agreed on, as they are written. */
export interface AgreedParameters {
  server_no_context_takeover?: true;
  client_no_context_takeover?: true;
  server_max_window_bits?: number;
  client_max_window_bits?: number | true;
}

type DeflateCallback = (error: Error | null, data: Buffer) => void;

const DEFAULT_THRESHOLD = 1024;
/** What ends a message on the wire and stands for it here. (RFC 7692 §7.2.1) */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/**
 * Agrees on permessage-deflate as `ws` does.
 *
 * `compress` and `decompress` are there for who calls them; whole messages are the engine's.
 */
export class PerMessageDeflate {
  static readonly extensionName = "permessage-deflate";

  /** What was agreed; `null` before. */
  params: AgreedParameters | null = null;
  readonly #options: InternalOptions;
  readonly #owner: PerMessageDeflateOptions;
  #deflate: ZlibStream | undefined;
  #inflate: ZlibStream | undefined;

  /** @param owner the options that all connections of one owner have in common, one object */
  constructor(options: InternalOptions = {}, owner: PerMessageDeflateOptions = defaultOptions) {
    this.#options = options;
    this.#owner = owner;
  }

  /** From how many bytes on a message is compressed. */
  get threshold(): number {
    return this.#options.threshold ?? DEFAULT_THRESHOLD;
  }

  /** Whether what is sent refers to earlier messages. */
  get keepsOutgoingContext(): boolean {
    return this.params?.[`${this.#self}_no_context_takeover`] !== true;
  }

  /** What a client offers. */
  offer(): AgreedParameters {
    const options = this.#options;
    const { serverMaxWindowBits, clientMaxWindowBits = true } = options;
    return {
      ...(options.serverNoContextTakeover && { server_no_context_takeover: true as const }),
      ...(options.clientNoContextTakeover && { client_no_context_takeover: true as const }),
      ...(serverMaxWindowBits && { server_max_window_bits: serverMaxWindowBits as number }),
      ...(clientMaxWindowBits && { client_max_window_bits: clientMaxWindowBits }),
    };
  }

  /**
   * Agrees, as a server to one of the offers, as a client to the answer.
   *
   * @throws Error, TypeError for what is not acceptable
   */
  accept(configurations: Parameters[]): AgreedParameters {
    const written = configurations.map((parameters) => this.#normalized(parameters));
    this.params = this.#isServer ? this.#acceptOffer(written) : this.#acceptAnswer(written[0]!);
    return this.params;
  }

  /** Lets go of what was agreed on. */
  cleanup(): void {
    this.#inflate?.close();
    this.#inflate = undefined;
    this.#deflate?.close();
    this.#deflate = undefined;
  }

  /** @param fin whether the message ends with `data` */
  compress(data: Buffer | string, fin: boolean, callback: DeflateCallback): void {
    const { zlibDeflateOptions: options } = this.#options;
    const windowBits = this.#windowBits(this.#self);
    const deflate = (this.#deflate ??= new ZlibStream(
      createDeflateRaw({ ...options, windowBits }),
    ));
    deflate.run([Buffer.from(data as string)], constants.Z_SYNC_FLUSH, (error, output) => {
      if (error !== null) return callback(error, output);
      if (fin && !this.keepsOutgoingContext) deflate.reset();
      callback(null, fin ? output.subarray(0, -TAIL.length) : output);
    });
  }

  decompress(data: Buffer, fin: boolean, callback: DeflateCallback): void {
    const { zlibInflateOptions: options, maxPayload = 0 } = this.#options;
    const windowBits = this.#windowBits(this.#peer);
    const inflate = (this.#inflate ??= new ZlibStream(
      createInflateRaw({ ...options, windowBits }),
      maxPayload,
    ));
    const pieces = fin ? [data, TAIL] : [data];
    inflate.run(pieces, constants.Z_SYNC_FLUSH, (error, output) => {
      const keepsContext = this.params?.[`${this.#peer}_no_context_takeover`] !== true;
      if (error !== null || inflate.hasEnded) {
        inflate.close();
        this.#inflate = undefined;
      } else if (fin && !keepsContext) {
        inflate.reset();
      }
      callback(error, output);
    });
  }

  /** Returns what the engine compresses the connection's messages with. */
  codec(): MessageCodec {
    const params = this.params ?? {};
    const standsAlone = (end: Role): boolean =>
      params[`${end}_no_context_takeover`] === true ||
      // Nobody has to use a context, and few want to pay for it.
      (end === this.#self && this.#options[`${end}NoContextTakeover`] !== false);
    return compressionOf(this.#owner).codec(this.#self, {
      serverNoContextTakeover: standsAlone("server"),
      clientNoContextTakeover: standsAlone("client"),
      serverMaxWindowBits: this.#windowBits("server"),
      clientMaxWindowBits: this.#windowBits("client"),
    });
  }

  get #isServer(): boolean {
    return this.#options.isServer === true;
  }

  get #self(): Role {
    return this.#isServer ? "server" : "client";
  }

  get #peer(): Role {
    return this.#isServer ? "client" : "server";
  }

  #windowBits(end: Role): number {
    const bits = this.params?.[`${end}_max_window_bits`];
    return typeof bits === "number" ? bits : constants.Z_DEFAULT_WINDOWBITS;
  }

  #acceptOffer(offers: readonly AgreedParameters[]): AgreedParameters {
    const options = this.#options;
    const offer = offers.find((one) => isAcceptable(one, options));
    if (offer === undefined) throw new Error("None of the extension offers can be accepted");
    const accepted = { ...offer };
    if (options.serverNoContextTakeover === true) accepted.server_no_context_takeover = true;
    if (options.clientNoContextTakeover === true) accepted.client_no_context_takeover = true;
    const { serverMaxWindowBits: server, clientMaxWindowBits: client } = options;
    if (typeof server === "number") accepted.server_max_window_bits = server;
    if (typeof client === "number") {
      accepted.client_max_window_bits = client;
    } else if (accepted.client_max_window_bits === true || client === false) {
      delete accepted.client_max_window_bits;
    }
    return accepted;
  }

  #acceptAnswer(answer: AgreedParameters): AgreedParameters {
    const { clientNoContextTakeover, clientMaxWindowBits: most } = this.#options;
    if (clientNoContextTakeover === false && answer.client_no_context_takeover === true) {
      throw new Error('Unexpected parameter "client_no_context_takeover"');
    }
    const bits = answer.client_max_window_bits;
    if (bits === undefined) {
      return typeof most === "number" ? { ...answer, client_max_window_bits: most } : answer;
    }
    if (most === false || (typeof most === "number" && (bits as number) > most)) {
      throw new Error('Unexpected or invalid parameter "client_max_window_bits"');
    }
    return answer;
  }

  #normalized(parameters: Parameters): AgreedParameters {
    const entries = Object.entries(parameters).map(([name, values]) => {
      if (values.length > 1) throw new Error(`Parameter "${name}" must have only a single value`);
      return [name, this.#valueOf(name, values[0]!)];
    });
    return Object.fromEntries(entries) as AgreedParameters;
  }

  #valueOf(name: string, value: string | true): number | true {
    const isValid = (valid: boolean): void => {
      if (!valid) throw new TypeError(`Invalid value for parameter "${name}": ${value}`);
    };
    switch (name) {
      case "server_no_context_takeover":
      case "client_no_context_takeover":
        isValid(value === true);
        return true;
      case "client_max_window_bits":
        // An answer must name the window. (RFC 7692 §7.1.2.2)
        if (value === true) {
          isValid(this.#isServer);
          return true;
        }
        break;
      case "server_max_window_bits":
        break;
      default:
        throw new Error(`Unknown parameter "${name}"`);
    }
    const bits = Number(value === true ? Number.NaN : value);
    isValid(Number.isInteger(bits) && bits >= 8 && bits <= 15);
    return bits;
  }
}

function isAcceptable(offer: AgreedParameters, options: InternalOptions): boolean {
  const { serverMaxWindowBits: server, clientMaxWindowBits: client } = options;
  if (options.serverNoContextTakeover === false && offer.server_no_context_takeover) return false;
  const asked = offer.server_max_window_bits;
  if (asked !== undefined && (server === false || (typeof server === "number" && server > asked))) {
    return false;
  }
  if (typeof client !== "number") return true;
  const allowed = offer.client_max_window_bits;
  return typeof allowed === "number" ? client <= allowed : allowed === true;
}

/** By the options that an owner of connections gave; those of nobody are one. */
const compressions = new WeakMap<PerMessageDeflateOptions, DeflateCompression>();
const defaultOptions: PerMessageDeflateOptions = {};

/** Returns what compresses for such an owner of connections. */
function compressionOf(owner: PerMessageDeflateOptions): DeflateCompression {
  let compression = compressions.get(owner);
  if (compression === undefined) {
    compression = new DeflateCompression(compressionOptions(owner));
    compressions.set(owner, compression);
  }
  return compression;
}

function compressionOptions({
  threshold = DEFAULT_THRESHOLD,
  zlibDeflateOptions: { level, memLevel } = {},
}: PerMessageDeflateOptions): Partial<CompressionOptions> {
  return {
    thresholdBytes: Math.max(0, Math.trunc(threshold)),
    // 0 would store, −1 is the default.
    ...(level !== undefined && level >= 0 && { level: Math.max(1, level) }),
    ...(memLevel !== undefined && { memLevel }),
  };
}
