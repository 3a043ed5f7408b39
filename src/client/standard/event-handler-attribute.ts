import { isObject } from "./web-idl-conversions.ts";

type Handler = ((this: unknown, event: Event) => unknown) | null;

interface Slot {
  handler: Handler;
  listener: ((event: Event) => void) | null;
}

/** Handlers don't go through methods that a subclass may have overridden. */
const targetMethods = EventTarget.prototype;

/**
 * The `on…` attributes of one event target.
 *
 * Setting one for the first time takes a place among the listeners, setting it again keeps that
 * place, and null gives it up. (HTML, "event handlers")
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
      // An object that is not callable may be set, but does nothing.
      if (typeof slot.handler !== "function") return;
      const result = slot.handler.call(this.#target, event);
      if (result === false) event.preventDefault();
    };
    this.#slots.set(type, slot);
    targetMethods.addEventListener.call(this.#target, type, slot.listener);
  }
}
