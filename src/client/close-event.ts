export interface CloseEventFields {
  code: number;
  reason: string;
  wasClean: boolean;
}

/** Node has `CloseEvent` from version 23 on; before, this one has its shape. */
class NodeCloseEvent extends Event implements CloseEventFields {
  readonly #fields: CloseEventFields;

  constructor(type: string, fields: Partial<CloseEventFields> & EventInit = {}) {
    super(type, fields);
    const { code = 0, reason = "", wasClean = false } = fields;
    this.#fields = { code, reason, wasClean };
  }

  get code(): number {
    return this.#fields.code;
  }

  get reason(): string {
    return this.#fields.reason;
  }

  get wasClean(): boolean {
    return this.#fields.wasClean;
  }

  get [Symbol.toStringTag](): string {
    return "CloseEvent";
  }
}
Object.defineProperty(NodeCloseEvent, "name", { value: "CloseEvent" });

const platform: { CloseEvent?: unknown } = globalThis;

/** The platform's `CloseEvent` where it has one. */
export const CloseEvent: typeof NodeCloseEvent =
  (platform.CloseEvent as typeof NodeCloseEvent | undefined) ?? NodeCloseEvent;
export type CloseEvent = InstanceType<typeof NodeCloseEvent>;
