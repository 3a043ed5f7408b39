import type { LongwireError } from "../../base/index.ts";
import { CloseEvent, type CloseEventFields } from "./close-event.ts";

/**
 * The `error` event. The standard's has no content, so that a page can't probe a network; outside
 * a browser there is nothing to hide, and this one tells what went wrong.
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

/** What a FrozenArray attribute with nothing in it gives, each time. */
const NO_PORTS = Object.freeze([]);

// An event that was not dispatched by a script is trusted. (DOM §2.2, `isTrusted`) Node lets only
// its own code make such events, so these say so themselves.
for (const fired of [FiredEvent, FiredMessageEvent, FiredCloseEvent, FailureEvent]) {
  Object.defineProperty(fired.prototype, "isTrusted", { get: () => true, configurable: true });
}
// Nobody shall see a class that the platform does not have.
for (const fired of [FiredEvent, FiredMessageEvent, FiredCloseEvent]) {
  const { constructor } = Object.getPrototypeOf(fired.prototype) as object;
  Object.defineProperty(fired.prototype, "constructor", { value: constructor, configurable: true });
}
// Node's own says "[object Event]", and its `ports` can be changed.
Object.defineProperty(FiredMessageEvent.prototype, Symbol.toStringTag, { value: "MessageEvent" });
// Deno's sets it as a property of each event, which a getter without a setter would not let it.
if ("ports" in PlatformMessageEvent.prototype) {
  Object.defineProperty(FiredMessageEvent.prototype, "ports", { get: () => NO_PORTS });
}

/** Fires events at `target`, whatever a subclass of it calls `dispatchEvent`. (DOM §2.10) */
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
