import { isToken } from "../../../protocol/index.ts";
import { dictionary, domString, isObject, sequence } from "../web-idl/web-idl-conversions.ts";
import { syntaxError } from "./web-socket-url.ts";

/**
 * Converts the constructor's second argument: (DOMString or sequence<DOMString> or WebSocketInit).
 *
 * An object that is not a sequence is an options object with `protocols`. Before options objects
 * existed, it was converted to a string, which was hardly ever a valid token. (Web IDL §3.2.24)
 */
export function subprotocolsArgument(given: unknown): string[] {
  if (given === undefined) return [];
  const sequenceOrString = stringOrStrings(given);
  if (sequenceOrString !== undefined) return sequenceOrString;
  const { protocols } = dictionary(given);
  return protocols === undefined ? [] : (stringOrStrings(protocols) ?? [domString(protocols)]);
}

/**
 * Each must be a token, and must not occur twice, even with different capitalization. (RFC 6455
 * §4.1)
 */
export function checkSubprotocols(protocols: readonly string[]): void {
  const seen = new Set<string>();
  for (const protocol of protocols) {
    if (!isToken(protocol)) {
      throw syntaxError(
        `The subprotocol ${JSON.stringify(protocol)} is not a token; use visible ASCII characters without separators.`,
      );
    }
    const folded = protocol.toLowerCase();
    if (seen.has(folded)) {
      throw syntaxError(`The subprotocol "${protocol}" is listed twice; list it once.`);
    }
    seen.add(folded);
  }
}

function stringOrStrings(value: unknown): string[] | undefined {
  return isObject(value) ? sequence(value, domString) : [domString(value)];
}
