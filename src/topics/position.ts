/** A place in a topic's log: strictly increasing, 1 or more; 0 stands before all events. */
export type Offset = number;

/** A place that can be resumed from. Offsets of different epochs cannot be compared. */
export interface Position {
  epoch: string;
  offset: Offset;
}

/** A position, and the view that it was told for, if the client says so. */
export interface ToldPosition extends Position {
  /** What `subscribed` said. */
  view?: string | undefined;
}

/** Writes a position as `epoch:offset`, as an ETag and a server-sent event's id hold it. */
export function formatPosition({ epoch, offset }: Position): string {
  return `${epoch}:${offset}`;
}

/** Reads what `formatPosition` wrote; `undefined` for anything else. */
export function parsePosition(text: string): Position | undefined {
  const colon = text.lastIndexOf(":");
  const offset = parseOffset(text.slice(colon + 1));
  if (colon < 1 || offset === undefined) return undefined;
  return { epoch: text.slice(0, colon), offset };
}

/** Reads an offset in decimal digits. */
export function parseOffset(text: string): Offset | undefined {
  const offset = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(offset) ? offset : undefined;
}
