/** A position in a topic's log: strictly increasing from 1; 0 is before all events. */
export type Offset = number;

/** A position that can be resumed from. Offsets of different epochs are not comparable. */
export interface Position {
  epoch: string;
  offset: Offset;
}

/** A position, and the view in which it was reached, if the client sends it. */
export interface ToldPosition extends Position {
  /** The `view` of `subscribed`. */
  view?: string | undefined;
}

/** Formats a position as `epoch:offset`, for ETags and the ids of server-sent events. */
export function formatPosition({ epoch, offset }: Position): string {
  return `${epoch}:${offset}`;
}

/** Parses the output of `formatPosition`; `undefined` for anything else. */
export function parsePosition(text: string): Position | undefined {
  const colon = text.lastIndexOf(":");
  const offset = parseOffset(text.slice(colon + 1));
  if (colon < 1 || offset === undefined) return undefined;
  return { epoch: text.slice(0, colon), offset };
}

/** Parses an offset in decimal digits. */
export function parseOffset(text: string): Offset | undefined {
  const offset = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(offset) ? offset : undefined;
}
