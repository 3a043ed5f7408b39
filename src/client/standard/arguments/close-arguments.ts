import { syntaxError } from "./web-socket-url.ts";

const MAX_REASON_BYTES = 123;

/**
 * Checks the code and reason that an application closes with. (WHATWG WebSockets, "validate close
 * code and reason")
 *
 * @throws DOMException `InvalidAccessError` for the code, `SyntaxError` for the reason
 */
export function checkCloseArguments(code: number | undefined, reason: string): void {
  // Step 1. The code is 1000 or in the range for applications.
  if (code !== undefined && code !== 1000 && (code < 3000 || code > 4999)) {
    const message = `The close code is ${code}; use 1000 or a code from 3000 to 4999.`;
    throw new DOMException(message, "InvalidAccessError");
  }
  // Step 2. Reason and code must fit into a control frame. (RFC 6455 §5.5)
  const bytes = Buffer.byteLength(reason);
  if (bytes > MAX_REASON_BYTES) {
    throw syntaxError(`The close reason has ${bytes} bytes; use at most ${MAX_REASON_BYTES}.`);
  }
}

/**
 * Returns 1000 for a reason without a code, because a frame cannot hold a reason alone. (RFC 6455
 * §5.5.1)
 */
export function closeCodeFor(code: number | undefined, reason: string): number | undefined {
  return code ?? (reason === "" ? undefined : 1000);
}
