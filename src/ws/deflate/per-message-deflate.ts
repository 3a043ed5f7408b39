import { createDeflateRaw, createInflateRaw, constants, type ZlibOptions } from "node:zlib";
import { DeflateCompression, type CompressionOptions } from "../../node/index.ts";
import type { MessageCodec, Role } from "../../protocol/index.ts";
import type { Parameters } from "./extension.ts";
import { ZlibStream } from "./zlib-stream.ts";

/** The options of `ws` for permessage-deflate. */
export interface PerMessageDeflateOptions {
  /** Whether each message of a server is compressed on its own. Default true. */
  serverNoContextTakeover?: boolean | undefined;
  /**
   * Whether each message of a client is compressed on its own. By default, a server asks for it.
   */
  clientNoContextTakeover?: boolean | undefined;
  /** The server's window, 8 to 15, or whether the peer may choose one. */
  serverMaxWindowBits?: number | boolean | undefined;
  /** The client's window, 8 to 15, or whether the peer may choose one. */
  clientMaxWindowBits?: number | boolean | undefined;
  /** Only `level` and `memLevel` are used. */
  zlibDeflateOptions?: ZlibOptions | undefined;
  zlibInflateOptions?: ZlibOptions | undefined;
  /** The minimum size of a message to compress, in bytes. Default 1024. */
  threshold?: number | undefined;
  /**
   * The maximum number of concurrent compressions. Ignored, because the engine has its own limit.
   */
  concurrencyLimit?: number | undefined;
}

interface InternalOptions extends PerMessageDeflateOptions {
  isServer?: boolean | undefined;
  maxPayload?: number | undefined;
}

/** The negotiated parameters, in the form of the header. */
export interface AgreedParameters {
  server_no_context_takeover?: true;
  client_no_context_takeover?: true;
  server_max_window_bits?: number;
  client_max_window_bits?: number | true;
}

type DeflateCallback = (error: Error | null, data: Buffer) => void;

const DEFAULT_THRESHOLD = 1024;
/** The end of a compressed message, which is not sent. (RFC 7692 §7.2.1) */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/**
 * Negotiates permessage-deflate like `ws`.
 *
 * `compress` and `decompress` exist for applications that call them. The engine compresses whole
 * messages itself.
 */
export class PerMessageDeflate {
  static readonly extensionName = "permessage-deflate";

  /** The negotiated parameters; `null` before. */
  params: AgreedParameters | null = null;
  readonly #options: InternalOptions;
  readonly #owner: PerMessageDeflateOptions;
  #deflate: ZlibStream | undefined;
  #inflate: ZlibStream | undefined;

  /** @param owner the options that all connections of one owner share, as one object */
  constructor(options: InternalOptions = {}, owner: PerMessageDeflateOptions = defaultOptions) {
    this.#options = options;
    this.#owner = owner;
  }

  /** The minimum size of a message to compress, in bytes. */
  get threshold(): number {
    return this.#options.threshold ?? DEFAULT_THRESHOLD;
  }

  /** Whether sent messages refer to earlier ones. */
  get keepsOutgoingContext(): boolean {
    return this.params?.[`${this.#self}_no_context_takeover`] !== true;
  }

  /** Returns a client's offer. */
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
   * Negotiates: as a server, accepts one of the offers; as a client, accepts the response.
   *
   * @throws Error, TypeError for unacceptable parameters
   */
  accept(configurations: Parameters[]): AgreedParameters {
    const written = configurations.map((parameters) => this.#normalized(parameters));
    this.params = this.#isServer ? this.#acceptOffer(written) : this.#acceptAnswer(written[0]!);
    return this.params;
  }

  /** Releases the compressor and decompressor. */
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

  /** Returns the codec with which the engine compresses the connection's messages. */
  codec(): MessageCodec {
    const params = this.params ?? {};
    const standsAlone = (end: Role): boolean =>
      params[`${end}_no_context_takeover`] === true ||
      // This end need not use a context even if it may; by default it does not, because of its
      // memory.
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
        // A response must contain the window size. (RFC 7692 §7.1.2.2)
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

/** By the options of the owner of the connections; all owners without options share one. */
const compressions = new WeakMap<PerMessageDeflateOptions, DeflateCompression>();
const defaultOptions: PerMessageDeflateOptions = {};

/** Returns the compression for an owner's connections. */
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
    // 0 would store without compressing, −1 is the default.
    ...(level !== undefined && level >= 0 && { level: Math.max(1, level) }),
    ...(memLevel !== undefined && { memLevel }),
  };
}
