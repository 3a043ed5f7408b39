import type { IncomingMessage } from "node:http";

interface MessageInside {
  _addHeaderLines?: (lines: readonly string[], count: number) => void;
}

/** Fills `headers` from a message's `rawHeaders` as Node does: duplicates are joined or dropped. */
export function readHeaders(message: IncomingMessage): void {
  const lines = message.rawHeaders;
  (message as MessageInside)._addHeaderLines?.(lines, lines.length);
}
