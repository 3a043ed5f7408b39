/** The events for `addEventListener`, named as in browsers. */
export class Event {
  readonly #type: string;
  readonly #target: unknown;

  constructor(type: string, target: unknown) {
    this.#type = type;
    this.#target = target;
  }

  get type(): string {
    return this.#type;
  }

  get target(): unknown {
    return this.#target;
  }
}

export class MessageEvent extends Event {
  readonly #data: unknown;

  constructor(target: unknown, data: unknown) {
    super("message", target);
    this.#data = data;
  }

  get data(): unknown {
    return this.#data;
  }
}

/** The properties of a `CloseEvent`. */
export interface CloseFacts {
  code: number;
  reason: string;
  wasClean: boolean;
}

export class CloseEvent extends Event {
  readonly #facts: CloseFacts;

  constructor(target: unknown, facts: CloseFacts) {
    super("close", target);
    this.#facts = facts;
  }

  get code(): number {
    return this.#facts.code;
  }

  get reason(): string {
    return this.#facts.reason;
  }

  get wasClean(): boolean {
    return this.#facts.wasClean;
  }
}

export class ErrorEvent extends Event {
  readonly #error: Error;

  constructor(target: unknown, error: Error) {
    super("error", target);
    this.#error = error;
  }

  get error(): Error {
    return this.#error;
  }

  get message(): string {
    return this.#error.message;
  }
}

// The attributes of events are enumerable, as in a browser.
for (const [type, names] of [
  [Event, ["type", "target"]],
  [MessageEvent, ["data"]],
  [CloseEvent, ["code", "reason", "wasClean"]],
  [ErrorEvent, ["error", "message"]],
] as const) {
  for (const name of names) Object.defineProperty(type.prototype, name, { enumerable: true });
}
