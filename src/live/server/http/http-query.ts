import {
  LiveError,
  type Params,
  parseOffset,
  type Position,
  quoted,
  MAX_PARAMS,
  type Offset,
  type StartingPoint,
} from "../../../topics/index.ts";
import { MAX_WAIT_S } from "../limits.ts";
import { withoutToken } from "../access/credentials.ts";

/** Query names of a topic's URL that choose where a reader starts. */
const STARTING: ReadonlySet<string> = new Set(["last", "sinceMs", "before"]);

/** Query names that are not params over plain HTTP. */
const RESERVED: ReadonlySet<string> = new Set(["wait", "epoch", "offset", ...STARTING]);

/** The parsed query of a GET. */
export interface TopicQuery {
  params: Params;
  /** The position that the client has. */
  since: Position | undefined;
  /** How long to wait for new events, in seconds. */
  wait: number;
  /** Where to start without a position to continue from. */
  from: StartingPoint | undefined;
  /** The offset before which a page of history is wanted, and its epoch if the client knows it. */
  before: { offset: Offset; epoch: string | undefined } | undefined;
}

/** The parsed query of a Level 0 client's URL. */
export interface DataQuery {
  /** `undefined` if the client's first message contains them. */
  params: Params | undefined;
  from: StartingPoint | undefined;
}

/**
 * @param tokenQuery the query parameter that holds a token and is not one of the params, if any
 * @throws LiveError `bad_request`
 */
export function readQuery(search: string, tokenQuery: string | undefined): TopicQuery {
  const query = withoutToken(new URLSearchParams(search), tokenQuery);
  const params = paramsOf([...query].filter(([name]) => !RESERVED.has(name)));
  const before = beforeOf(query);
  return {
    params,
    since: before === undefined ? sinceOf(query) : undefined,
    wait: waitOf(query),
    from: startingPointOf(query),
    before,
  };
}

/** @throws LiveError `bad_request` */
export function readDataQuery(search: string, tokenQuery: string | undefined): DataQuery {
  const query = withoutToken(new URLSearchParams(search), tokenQuery);
  if (query.has("before")) {
    throw new LiveError("bad_request", "before is for GET requests; use last or sinceMs here");
  }
  const pairs = [...query].filter(([name]) => !STARTING.has(name));
  return {
    params: pairs.length === 0 ? undefined : paramsOf(pairs),
    from: startingPointOf(query),
  };
}

/**
 * Converts a query to params. `permitToRead` refuses too many, so at most one more than the limit is
 * converted.
 */
function paramsOf(query: readonly [name: string, value: string][]): Params {
  const byName = new Map(query);
  return Object.fromEntries([...byName].slice(0, MAX_PARAMS + 1));
}

function startingPointOf(query: URLSearchParams): StartingPoint | undefined {
  const last = query.get("last");
  const age = query.get("sinceMs");
  if (last === null && age === null) return undefined;
  const count = last === null || last === "all" ? (last ?? undefined) : parseOffset(last);
  if (last !== null && count === undefined) {
    throw new LiveError("bad_request", `last is ${shown(last)}; give a number of events, or all`);
  }
  const sinceMs = age === null ? undefined : parseOffset(age);
  if (age !== null && sinceMs === undefined) {
    throw new LiveError("bad_request", `sinceMs is ${shown(age)}; give an age in milliseconds`);
  }
  return { last: count, sinceMs };
}

function beforeOf(query: URLSearchParams): TopicQuery["before"] {
  const text = query.get("before");
  if (text === null) return undefined;
  const offset = parseOffset(text);
  if (offset !== undefined) return { offset, epoch: query.get("epoch") ?? undefined };
  throw new LiveError("bad_request", `before is ${shown(text)}; give an offset of an answer`);
}

function sinceOf(query: URLSearchParams): Position | undefined {
  const epoch = query.get("epoch");
  const text = query.get("offset");
  if (epoch === null && text === null) return undefined;
  const offset = text === null ? undefined : parseOffset(text);
  if (epoch === null || offset === undefined) {
    throw new LiveError(
      "bad_request",
      "Send epoch and offset together, as an answer contained them.",
    );
  }
  return { epoch, offset };
}

function waitOf(query: URLSearchParams): number {
  const text = query.get("wait");
  if (text === null) return 0;
  const wait = /^\d{1,6}$/.test(text) ? Number(text) : undefined;
  if (wait === undefined) {
    throw new LiveError("bad_request", `wait must be whole seconds, 0 to ${MAX_WAIT_S}.`);
  }
  return Math.min(wait, MAX_WAIT_S);
}

/** Quotes a value for an error, which may become a close reason of at most 123 bytes. */
function shown(text: string): string {
  return quoted(text.slice(0, 20));
}
