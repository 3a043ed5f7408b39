import { FieldScanner } from "../deflate/field-scanner.ts";

/**
 * Parses a `Sec-WebSocket-Protocol` field.
 *
 * @throws SyntaxError which says where it is wrong, or which name came twice
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
