import type { IncomingMessage } from "node:http";

interface MessageInside {
  _addHeaderLines?: (lines: readonly string[], count: number) => void;
}

/** Makes `headers` of a message's `rawHeaders`, as Node does: duplicates joined or dropped. */
export function readHeaders(message: IncomingMessage): void {
  const lines = message.rawHeaders;
  (message as MessageInside)._addHeaderLines?.(lines, lines.length);
}
