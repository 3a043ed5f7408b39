import {
  type Awaitable,
  isPending,
  LongwireError,
  onceAvailable,
  shown,
} from "../../base/index.ts";
import {
  ApplicationError,
  callApplication,
  type EventDraft,
  jsonOf,
  LiveError,
  parsed,
  type PublishDraft,
  quoted,
  readValue,
  type TopicEntry,
} from "../../topics/index.ts";
import { heldByRequest, type Release } from "./access/paying.ts";
import { shownCaller, type Caller } from "./sessions/caller.ts";

/**
 * Shows a client's event to a function of the application. The data is parsed when it is
 * first read, and charged to the client until the function is done.
 */
export function withShown<Result>(
  { key, json, removed }: EventDraft,
  caller: Caller,
  show: (draft: PublishDraft) => Awaitable<Result>,
): Awaitable<Result> {
  let release: Release | undefined;
  let isOver = false;
  let value: { readonly data: unknown } | undefined = json === undefined ? NO_DATA : undefined;
  const read = (text: string): { readonly data: unknown } => {
    const part = readValue(text)!;
    // Once, however often reading fails; and nobody would refund what is read afterwards.
    if (!isOver) release ??= heldByRequest(caller, part.parsedBytes);
    return { data: parsed(part, { name: "data", code: "invalid_data" }) };
  };
  const draft: PublishDraft = {
    key,
    remove: removed === true,
    get data() {
      return (value ??= read(json!)).data;
    },
  };
  const end = (): void => {
    isOver = true;
    release?.();
  };
  return finallyDo(end, () => show(draft));
}

function finallyDo<Result>(end: () => void, call: () => Awaitable<Result>): Awaitable<Result> {
  let isDone = true;
  try {
    const result = call();
    if (!isPending(result)) return result;
    isDone = false;
    return Promise.resolve(result).finally(end);
  } finally {
    if (isDone) end();
  }
}

const NO_DATA = { data: undefined };

/**
 * Gives a client's event the key that its topic prescribes.
 *
 * @throws LiveError `forbidden` for another key
 */
export function withKey(
  draft: EventDraft,
  { declaration }: TopicEntry,
  { identity }: Caller,
): EventDraft {
  if (declaration.kind !== "keyed" || declaration.keyFrom !== "identity") return draft;
  const { name } = declaration;
  if (identity === undefined) {
    const message = `The key of ${name} is the identity's id, and you have no identity; sign in.`;
    throw new LiveError("forbidden", message);
  }
  if (draft.key === undefined || draft.key === identity.id) return { ...draft, key: identity.id };
  const message = `You may only use your own key in ${name}, ${quoted(identity.id)}; leave the key out, or use that one.`;
  throw new LiveError("forbidden", message);
}

/**
 * Lets `onPublish` complete or refuse a client's event.
 *
 * @throws LiveError what it throws, and `invalid_data`; ApplicationError; possibly as a rejection
 */
export function completed(
  draft: EventDraft,
  { declaration }: { declaration: TopicEntry["declaration"] },
  caller: Caller,
): EventDraft | Promise<EventDraft> {
  if (declaration.onPublish === undefined) return draft;
  const { name, pattern } = declaration;
  const called = (): { name: string; occasion: string } => ({
    name: `onPublish of the topic ${quoted(pattern ?? name)}`,
    occasion: `on an event of ${shownCaller(caller)}`,
  });
  const answer = withShown(draft, caller, (own) =>
    callApplication(called, () => declaration.onPublish?.(caller.identity, own as never)),
  );
  return onceAvailable(answer, (changes) => {
    // `false`, for example, is meant as a refusal, and must not publish.
    if (changes !== undefined && (typeof changes !== "object" || changes === null)) {
      const message = `It returned ${shown(changes)}; return { data }, or nothing, or throw a LiveError to refuse`;
      throw new ApplicationError(called(), new LongwireError("invalid_result", message));
    }
    return changed(draft, changes ?? {});
  });
}

function changed(draft: EventDraft, { key = draft.key, data }: Partial<PublishDraft>): EventDraft {
  if (draft.removed === true || data === undefined) return { ...draft, key };
  // As JSON: while it waits for a broker, it takes a tenth of the memory.
  return { ...draft, key, json: jsonOf(data) };
}
