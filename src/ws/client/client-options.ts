import type { Agent as HttpAgent, ClientRequest, OutgoingHttpHeaders } from "node:http";
import type { RequestOptions } from "node:https";
import type { Duplex } from "node:stream";
import {
  defaultConnectionOptions,
  type ConnectionOptions,
  type GenerateMask,
} from "../connection-options.ts";
import type { PerMessageDeflateOptions } from "../deflate/per-message-deflate.ts";

/** The client options of `ws`; all others are passed to `http.request`. */
export interface ClientOptions extends ConnectionOptions, Omit<RequestOptions, "createConnection"> {
  agent?: HttpAgent | boolean | undefined;
  createConnection?: ((options: object) => Duplex) | undefined;
  /** Called for each request instead of `request.end()`. */
  finishRequest?: ((request: ClientRequest, webSocket: never) => void) | undefined;
  followRedirects?: boolean | undefined;
  generateMask?: GenerateMask | undefined;
  /** How long the server may be silent before it responds, in milliseconds. */
  handshakeTimeout?: number | undefined;
  headers?: OutgoingHttpHeaders | undefined;
  maxRedirects?: number | undefined;
  origin?: string | undefined;
  perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
  protocols?: string | string[] | undefined;
  /** 13, or 8 for servers that predate RFC 6455. */
  protocolVersion?: number | undefined;
}

interface DefaultClientOptions extends Required<ConnectionOptions> {
  followRedirects: boolean;
  maxRedirects: number;
  perMessageDeflate: boolean | PerMessageDeflateOptions;
  protocolVersion: number;
}

const defaultClientOptions: DefaultClientOptions = {
  ...defaultConnectionOptions,
  followRedirects: false,
  maxRedirects: 10,
  perMessageDeflate: true,
  protocolVersion: 13,
};

/** The options with their defaults. A property with the value `undefined` overrides its default. */
export type ResolvedClientOptions = ClientOptions & DefaultClientOptions;

const PROTOCOL_VERSIONS: readonly unknown[] = [8, 13];

/** @throws RangeError for an unsupported protocol version */
export function resolveClientOptions(given: ClientOptions | undefined): ResolvedClientOptions {
  const options = { ...defaultClientOptions, ...given } as ResolvedClientOptions;
  if (PROTOCOL_VERSIONS.includes(options.protocolVersion)) return options;
  const supported = PROTOCOL_VERSIONS.join(", ");
  throw new RangeError(
    `Unsupported protocol version: ${options.protocolVersion} (supported versions: ${supported})`,
  );
}

/** Distinguishes the second and third argument of a client. */
export function clientArguments(
  protocols: unknown,
  options: ClientOptions | undefined,
): { protocols: unknown[]; options: ClientOptions | undefined } {
  if (Array.isArray(protocols)) return { protocols, options };
  if (protocols === undefined) return { protocols: protocolsIn(options), options };
  if (typeof protocols !== "object" || protocols === null)
    return { protocols: [protocols], options };
  const given = protocols as ClientOptions;
  return { protocols: protocolsIn(given), options: given };
}

function protocolsIn(options: ClientOptions | undefined): string[] {
  return options?.protocols === undefined ? [] : [options.protocols].flat();
}
