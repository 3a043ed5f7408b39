import {
  type Authority,
  callApplication,
  type LiveAction,
  LiveError,
  type Params,
  type PublishDraft,
  quoted,
  requireFewParams,
  type TopicEntry,
} from "../../../topics/index.ts";
import { onceAvailable } from "../../../base/index.ts";
import { shownCaller, type Caller } from "../sessions/caller.ts";

/** A request for permission. */
interface Asked {
  caller: Caller;
  action: LiveAction;
  /** The name of a topic or a method. */
  target: string;
  params: Params;
  /** Of a publish. */
  draft?: PublishDraft;
}

/**
 * Allows or refuses a request. The first authority that has a decision decides.
 *
 * @throws LiveError `forbidden`, possibly as a rejection
 */
export function permit(authorities: readonly Authority[], asked: Asked): void | Promise<void> {
  const authority = authorities.find((authority) => authority.authorize !== undefined);
  if (authority?.authorize === undefined) return;
  const { caller, action, target, params, draft } = asked;
  const { identity } = caller;
  const answer = callApplication<unknown>(
    () => ({
      name: "authorize",
      occasion: `for ${shownCaller(caller)} asking to ${verbOf(action)} ${quoted(target)}`,
    }),
    () => authority.authorize?.({ identity, action, topic: target, params, draft }),
  );
  return onceAvailable(answer, (isAllowed) => {
    // Only `true` allows: a handler that returns an object or a reason by mistake must not grant
    // access.
    if (isAllowed === true) return;
    const message = `You may not ${verbOf(action)} ${target}; ask for access, or sign in as someone who may.`;
    throw new LiveError("forbidden", message);
  });
}

function verbOf(action: LiveAction): string {
  return action === "subscribe" || action === "publish" ? `${action} to` : action;
}

/**
 * Allows `caller` to read a topic narrowed by `params`, or refuses.
 *
 * @throws LiveError `invalid_params` for too many; `forbidden`, possibly as a rejection
 */
export function permitToRead(
  { declaration, guardedAs, parameters }: TopicEntry,
  fallback: Authority,
  { caller, params }: { caller: Caller; params: Params },
): void | Promise<void> {
  requireFewParams(Object.keys(params).length);
  // The parameters in the topic's name win, because a client must not override them with params.
  const shown = { ...params, ...parameters };
  const asked = { caller, action: "subscribe", target: guardedAs, params: shown } as const;
  return permit([declaration, fallback], asked);
}
