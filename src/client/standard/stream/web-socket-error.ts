import { checkCloseArguments, closeCodeFor } from "../arguments/close-arguments.ts";
import { closeInfo, type WebSocketCloseInfo } from "./close-info.ts";
import { shapeAsInterface } from "../web-idl/interface-shape.ts";
import { domString, isObject } from "../web-idl/web-idl-conversions.ts";

/** The end of a connection, with codes that an application may not use itself. */
interface Ending {
  code: number | undefined;
  reason: string;
  cause: unknown;
}

/** Creates an error with any close code. */
export let endedWith: (message: string, ending: Ending) => WebSocketError;
/**
 * Returns the code and reason to close with when a stream is aborted or cancelled with `reason`.
 */
export let closingOf: (reason: unknown) => { code: number | undefined; reason: string };

/**
 * The reason why a `WebSocketStream` ended, or the reason to abort or cancel it with.
 * (WebSocketStream draft, "WebSocketError")
 */
export class WebSocketError extends DOMException {
  #closeCode: number | null;
  #reason: string;

  /**
   * @param init code and reason to close with; a reason alone means 1000
   * @throws DOMException `InvalidAccessError` for the code, `SyntaxError` for the reason
   */
  constructor(message = "", init: WebSocketCloseInfo = {}) {
    const text = domString(message);
    // Steps 3 and 4.
    const { closeCode, reason } = closeInfo(init);
    // Step 5.
    checkCloseArguments(closeCode, reason);
    // Steps 1 and 2.
    super(text, "WebSocketError");
    // Steps 6 to 8.
    this.#closeCode = closeCodeFor(closeCode, reason) ?? null;
    this.#reason = reason;
  }

  /** `null` if there is no code. */
  get closeCode(): number | null {
    return this.#closeCode;
  }

  get reason(): string {
    return this.#reason;
  }

  static {
    endedWith = (message, { code, reason, cause }) => {
      const error = new WebSocketError(message);
      error.#closeCode = code ?? null;
      error.#reason = reason;
      // The underlying error, reported as everywhere outside a browser.
      Object.defineProperty(error, "cause", { value: cause, configurable: true, writable: true });
      return error;
    };
    closingOf = (reason) =>
      isObject(reason) && #closeCode in reason
        ? { code: reason.#closeCode ?? undefined, reason: reason.#reason }
        : { code: undefined, reason: "" };
  }
}

shapeAsInterface(WebSocketError, { name: "WebSocketError", length: 0 });
