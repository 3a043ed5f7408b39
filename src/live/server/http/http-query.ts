import {
  LiveError,
  type Params,
  parseOffset,
  type Position,
  MAX_PARAMS,
} from "../../../topics/index.ts";
import { MAX_WAIT_S } from "../limits.ts";
import { withoutToken } from "../access/credentials.ts";

/** Query names that are not params. */
const RESERVED: ReadonlySet<string> = new Set(["wait", "epoch", "offset"]);

/** The parsed query of a GET. */
export interface TopicQuery {
  params: Params;
  /** The position that the client has. */
  since: Position | undefined;
  /** How long to wait for new events, in seconds. */
  wait: number;
}

/**
 * @param tokenQuery the query parameter that holds a token and is not one of the params, if any
 * @throws LiveError `bad_request`
 */
export function readQuery(search: string, tokenQuery: string | undefined): TopicQuery {
  const query = withoutToken(new URLSearchParams(search), tokenQuery);
  const params = paramsOf([...query].filter(([name]) => !RESERVED.has(name)));
  return { params, since: sinceOf(query), wait: waitOf(query) };
}

/**
 * Converts a query to params. `permitToRead` refuses too many, so at most one more than the limit is
 * converted.
 */
export function paramsOf(query: readonly [name: string, value: string][]): Params {
  const byName = new Map(query);
  return Object.fromEntries([...byName].slice(0, MAX_PARAMS + 1));
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
