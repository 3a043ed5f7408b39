import { FieldScanner } from "../deflate/field-scanner.ts";

/**
 * Parses a `Sec-WebSocket-Protocol` header.
 *
 * @throws SyntaxError with the position of the mistake, or the repeated name
 */
export function parse(header: string): Set<string> {
  const scanner = new FieldScanner(header);
  const protocols = new Set<string>();
  do {
    const protocol = scanner.member();
    if (protocols.has(protocol)) {
      throw new SyntaxError(`The "${protocol}" subprotocol is duplicated`);
    }
    protocols.add(protocol);
  } while (scanner.skip(","));
  if (!scanner.isAtEnd) scanner.fail();
  return protocols;
}
