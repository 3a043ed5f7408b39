import type { Extension } from "../handshake/extensions.ts";

/** The extension's name in the handshake. (RFC 7692 §7) */
export const PERMESSAGE_DEFLATE = "permessage-deflate";

/** LZ77 windows have 2^8 to 2^15 bytes. (RFC 7692 §7.1.2) */
export const MOST_WINDOW_BITS = 15;

/** The negotiated parameters, with the names of the RFC. (RFC 7692 §7.1) */
export interface DeflateParameters {
  /** The server starts every message with an empty window. */
  serverNoContextTakeover: boolean;
  /** The client starts every message with an empty window. */
  clientNoContextTakeover: boolean;
  /** The base-2 logarithm of the window that the server compresses with. */
  serverMaxWindowBits: number;
  /** The base-2 logarithm of the window that the client compresses with. */
  clientMaxWindowBits: number;
}

/** The parameters that one end prefers for each direction. */
export interface DeflatePreferences {
  /** Whether sent messages may refer to earlier ones, which needs a context per connection. */
  outgoingContextTakeover: boolean;
  /** Whether received messages may refer to earlier ones, which needs a context per connection. */
  incomingContextTakeover: boolean;
  /** The window to compress with, 8 to 15. */
  outgoingWindowBits: number;
  /** The window that the peer is asked to limit itself to, 8 to 15. */
  incomingWindowBits: number;
}

/** The parameters in an offer or in a response; `undefined` if absent. */
export interface WrittenParameters {
  serverNoContextTakeover: boolean;
  clientNoContextTakeover: boolean;
  serverMaxWindowBits: number | undefined;
  /** `"any"` is the form without a value, which is valid only in an offer. (RFC 7692 §7.1.2.2) */
  clientMaxWindowBits: number | "any" | undefined;
}

/**
 * Reads the parameters of an extension.
 *
 * @returns `undefined` if one is unknown, repeated, or has an invalid value
 */
export function readParameters({ parameters }: Extension): WrittenParameters | undefined {
  const written: WrittenParameters = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: undefined,
    clientMaxWindowBits: undefined,
  };
  const seen = new Set<string>();
  for (const { name, value } of parameters) {
    if (seen.has(name)) return undefined;
    seen.add(name);
    if (!readParameter(written, name, value)) return undefined;
  }
  return written;
}

function readParameter(
  written: WrittenParameters,
  name: string,
  value: string | undefined,
): boolean {
  switch (name) {
    case "server_no_context_takeover":
      written.serverNoContextTakeover = true;
      return value === undefined;
    case "client_no_context_takeover":
      written.clientNoContextTakeover = true;
      return value === undefined;
    case "server_max_window_bits":
      written.serverMaxWindowBits = windowBits(value);
      return written.serverMaxWindowBits !== undefined;
    case "client_max_window_bits":
      written.clientMaxWindowBits = value === undefined ? "any" : windowBits(value);
      return written.clientMaxWindowBits !== undefined;
    default:
      return false;
  }
}

/** Parses a decimal number from 8 to 15 without leading zeros. (RFC 7692 §7.1.2.1) */
function windowBits(value: string | undefined): number | undefined {
  return value !== undefined && /^(?:[89]|1[0-5])$/.test(value) ? Number(value) : undefined;
}

export function writeParameters(written: WrittenParameters): Extension {
  const parameters: Extension["parameters"] = [];
  const flag = (name: string, isSet: boolean): void => {
    if (isSet) parameters.push({ name, value: undefined });
  };
  const bits = (name: string, value: number | "any" | undefined): void => {
    if (value === undefined) return;
    parameters.push({ name, value: value === "any" ? undefined : String(value) });
  };
  flag("server_no_context_takeover", written.serverNoContextTakeover);
  flag("client_no_context_takeover", written.clientNoContextTakeover);
  bits("server_max_window_bits", written.serverMaxWindowBits);
  bits("client_max_window_bits", written.clientMaxWindowBits);
  return { name: PERMESSAGE_DEFLATE, parameters };
}
