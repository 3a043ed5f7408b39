import { dictionary, isObject, sequence, usvString } from "./web-idl-conversions.ts";

export interface WebSocketStreamOptions {
  /** Subprotocols in the order of preference. Default none. */
  protocols?: readonly string[];
  /** Aborting gives up while connecting; afterwards it does nothing. */
  signal?: AbortSignal;
}

/** The dictionary, converted: its members in the order of their names. (Web IDL §3.2.17) */
export function streamOptions(given: unknown): {
  protocols: string[];
  signal: AbortSignal | undefined;
} {
  const options = dictionary(given);
  const protocols = protocolList(options.protocols);
  const { signal } = options;
  if (signal === undefined || signal instanceof AbortSignal) return { protocols, signal };
  throw new TypeError("The signal is no AbortSignal; give one or leave it out.");
}

/** sequence<USVString>: unlike that of a WebSocket it takes no single string. */
function protocolList(given: unknown): string[] {
  if (given === undefined) return [];
  const list = isObject(given) ? sequence(given, usvString) : undefined;
  if (list === undefined) throw new TypeError("The protocols are no list; give an array.");
  return list;
}
