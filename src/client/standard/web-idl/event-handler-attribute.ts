import { isObject } from "./web-idl-conversions.ts";

type Handler = ((this: unknown, event: Event) => unknown) | null;

interface Slot {
  handler: Handler;
  listener: ((event: Event) => void) | null;
}

/** Called directly, because a subclass may have overridden them. */
const targetMethods = EventTarget.prototype;

/**
 * The `on…` attributes of one event target.
 *
 * The first handler takes a position among the listeners. Replacing the handler keeps the position;
 * setting null gives it up. (HTML, "event handlers")
 */
export class EventHandlerAttributes {
  readonly #target: EventTarget;
  readonly #slots = new Map<string, Slot>();

  constructor(target: EventTarget) {
    this.#target = target;
  }

  get(type: string): Handler {
    return this.#slots.get(type)?.handler ?? null;
  }

  set(type: string, value: unknown): void {
    // [LegacyTreatNonObjectAsNull]
    const handler = isObject(value) ? (value as Handler) : null;
    const slot = this.#slots.get(type);
    if (handler === null) {
      if (slot !== undefined)
        targetMethods.removeEventListener.call(this.#target, type, slot.listener);
      this.#slots.delete(type);
    } else if (slot !== undefined) {
      slot.handler = handler;
    } else {
      this.#activate(type, handler);
    }
  }

  #activate(type: string, handler: Handler): void {
    const slot: Slot = { handler, listener: null };
    slot.listener = (event) => {
      // An object that is not callable can be set, but is not called.
      if (typeof slot.handler !== "function") return;
      const result = slot.handler.call(this.#target, event);
      if (result === false) event.preventDefault();
    };
    this.#slots.set(type, slot);
    targetMethods.addEventListener.call(this.#target, type, slot.listener);
  }
}
