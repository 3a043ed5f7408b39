import { dictionary, isObject, sequence, usvString } from "../web-idl/web-idl-conversions.ts";

export interface WebSocketStreamOptions {
  /** Subprotocols in order of preference. Default none. */
  protocols?: readonly string[];
  /** Aborts while connecting; has no effect afterwards. */
  signal?: AbortSignal;
}

/** Converts the dictionary, reading its members in the order of their names. (Web IDL §3.2.17) */
export function streamOptions(given: unknown): {
  protocols: string[];
  signal: AbortSignal | undefined;
} {
  const options = dictionary(given);
  const protocols = protocolList(options.protocols);
  const { signal } = options;
  if (signal === undefined || signal instanceof AbortSignal) return { protocols, signal };
  throw new TypeError("The signal is not an AbortSignal; pass an AbortSignal, or leave it out.");
}

/** Converts sequence<USVString>. Unlike `WebSocket`, it does not accept a single string. */
function protocolList(given: unknown): string[] {
  if (given === undefined) return [];
  const list = isObject(given) ? sequence(given, usvString) : undefined;
  if (list === undefined) throw new TypeError("The protocols are not a list; pass an array.");
  return list;
}
