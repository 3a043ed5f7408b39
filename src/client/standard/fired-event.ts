import type { LongwireError } from "../../base/index.ts";
import { CloseEvent, type CloseEventFields } from "./close-event.ts";

/**
 * The `error` event. In a browser it has no details, so that a page cannot probe a network. Outside
 * a browser nothing has to be hidden, so this event reports the error.
 */
export class FailureEvent extends Event {
  readonly error: LongwireError;
  readonly message: string;

  constructor(error: LongwireError) {
    super("error");
    this.error = error;
    this.message = error.message;
  }
}

const PlatformMessageEvent: {
  new (type: string, init: MessageEventInit): MessageEvent;
  readonly prototype: MessageEvent;
} = MessageEvent;

class FiredEvent extends Event {}
class FiredMessageEvent extends PlatformMessageEvent {}
class FiredCloseEvent extends CloseEvent {}

/** The value of an empty FrozenArray attribute, always the same object. */
const NO_PORTS = Object.freeze([]);

// Events that were not dispatched by a script are trusted. (DOM §2.2, `isTrusted`) Only Node's own
// code can create such events, so these override the attribute.
for (const fired of [FiredEvent, FiredMessageEvent, FiredCloseEvent, FailureEvent]) {
  Object.defineProperty(fired.prototype, "isTrusted", { get: () => true, configurable: true });
}
// Hides the subclass, which does not exist on the platform.
for (const fired of [FiredEvent, FiredMessageEvent, FiredCloseEvent]) {
  const { constructor } = Object.getPrototypeOf(fired.prototype) as object;
  Object.defineProperty(fired.prototype, "constructor", { value: constructor, configurable: true });
}
// Node's own class string is "[object Event]", and its `ports` can be changed.
Object.defineProperty(FiredMessageEvent.prototype, Symbol.toStringTag, { value: "MessageEvent" });
// Not with a getter in Deno, which assigns `ports` on each event.
if ("ports" in PlatformMessageEvent.prototype) {
  Object.defineProperty(FiredMessageEvent.prototype, "ports", { get: () => NO_PORTS });
}

/** Fires events at `target`, even if a subclass overrides `dispatchEvent`. (DOM §2.10) */
export const fire = {
  open(target: EventTarget): void {
    dispatch(target, new FiredEvent("open"));
  },

  message(target: EventTarget, data: unknown, origin: string): void {
    dispatch(target, new FiredMessageEvent("message", { data, origin }));
  },

  error(target: EventTarget, error: LongwireError): void {
    dispatch(target, new FailureEvent(error));
  },

  close(target: EventTarget, fields: CloseEventFields): void {
    dispatch(target, new FiredCloseEvent("close", fields));
  },
};

function dispatch(target: EventTarget, event: Event): void {
  EventTarget.prototype.dispatchEvent.call(target, event);
}
