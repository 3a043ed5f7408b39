import {
  type Authority,
  callApplication,
  type LiveAction,
  LiveError,
  type Params,
  quoted,
  type TopicEntry,
} from "../../../topics/index.ts";
import { onceAvailable } from "../../../base/index.ts";
import { shownCaller, type Caller } from "../sessions/caller.ts";

/** What somebody asks leave for. */
interface Asked {
  caller: Caller;
  action: LiveAction;
  /** A topic's name, or a method's. */
  target: string;
  params: Params;
}

/**
 * Lets `asked` pass, or refuses it; the first authority that decides at all decides.
 *
 * @throws LiveError `forbidden`, perhaps as a rejection
 */
export function permit(authorities: readonly Authority[], asked: Asked): void | Promise<void> {
  const authority = authorities.find((authority) => authority.authorize !== undefined);
  if (authority?.authorize === undefined) return;
  const { caller, action, target, params } = asked;
  const answer = callApplication<unknown>(
    () => ({
      name: "authorize",
      occasion: `for ${shownCaller(caller)} asking to ${action}${action === "call" ? "" : " to"} ${quoted(target)}`,
    }),
    () => authority.authorize?.(caller.identity, action, target, params),
  );
  return onceAvailable(answer, (isAllowed) => {
    // A slip that returns an object, or the text of a reason, must let nobody in.
    if (isAllowed === true) return;
    const message = `You may not ${action}${action === "call" ? "" : " to"} ${target}; ask for access, or sign in as someone who may.`;
    throw new LiveError("forbidden", message);
  });
}

/**
 * Lets `caller` read a topic as `params` narrow it, or refuses.
 *
 * @throws LiveError `forbidden`, perhaps as a rejection
 */
export function permitToRead(
  { declaration, guardedAs, parameters }: TopicEntry,
  fallback: Authority,
  { caller, params }: { caller: Caller; params: Params },
): void | Promise<void> {
  // The name's own parameters win: nobody can say that it is of something else.
  const shown = { ...params, ...parameters };
  const asked = { caller, action: "subscribe", target: guardedAs, params: shown } as const;
  return permit([declaration, fallback], asked);
}
