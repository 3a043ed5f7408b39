import { shapeAsInterface } from "./web-idl/interface-shape.ts";
import { dictionary, uint16, usvString } from "./web-idl/web-idl-conversions.ts";

export interface CloseEventFields {
  code: number;
  reason: string;
  wasClean: boolean;
}

/** A substitute for `CloseEvent`, which Node has from version 23 on. */
class NodeCloseEvent extends Event implements CloseEventFields {
  readonly #code: number;
  readonly #reason: string;
  readonly #wasClean: boolean;

  constructor(type: string, init?: Partial<CloseEventFields> & EventInit) {
    if (arguments.length === 0)
      throw new TypeError("CloseEvent requires a type; pass it as the first argument.");
    const fields = dictionary(init);
    super(type, fields);
    const { code, reason, wasClean } = fields;
    this.#code = code === undefined ? 0 : uint16(code);
    this.#reason = reason === undefined ? "" : usvString(reason);
    this.#wasClean = Boolean(wasClean);
  }

  get code(): number {
    return this.#code;
  }

  get reason(): string {
    return this.#reason;
  }

  get wasClean(): boolean {
    return this.#wasClean;
  }
}
shapeAsInterface(NodeCloseEvent, { name: "CloseEvent", length: 1 });

const platform: { CloseEvent?: unknown } = globalThis;

/** The platform's `CloseEvent`, or the substitute. */
export const CloseEvent: typeof NodeCloseEvent =
  (platform.CloseEvent as typeof NodeCloseEvent | undefined) ?? NodeCloseEvent;
export interface CloseEvent extends Event, Readonly<CloseEventFields> {}
