import { whenThere } from "../awaitable.ts";
import { LiveError } from "../live-error.ts";
import type { Authority, LiveAction, Params } from "../topic-declaration.ts";
import type { Caller } from "./caller.ts";

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
  const answer = authority.authorize(caller.identity, action, target, params);
  return whenThere(answer, (isAllowed) => {
    if (isAllowed) return;
    const message = `You may not ${action}${action === "call" ? "" : " to"} ${target}; ask for access, or sign in as someone who may.`;
    throw new LiveError("forbidden", message);
  });
}
