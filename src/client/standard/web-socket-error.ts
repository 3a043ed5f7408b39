import { checkCloseArguments, closeCodeFor } from "./close-arguments.ts";
import { closeInfo, type WebSocketCloseInfo } from "./close-info.ts";
import { shapeAsInterface } from "./interface-shape.ts";
import { domString, isObject } from "./web-idl-conversions.ts";

/** What a connection ended with, which an application could not make by itself. */
interface Ending {
  code: number | undefined;
  reason: string;
  cause: unknown;
}

/** Makes an error of any close code. */
export let endedWith: (message: string, ending: Ending) => WebSocketError;
/** Code and reason to close with when a stream is aborted or cancelled with `reason`. */
export let closingOf: (reason: unknown) => { code: number | undefined; reason: string };

/**
 * Why a `WebSocketStream` ended, or is to end when it is aborted or cancelled with this.
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

  /** `null` when there was none to tell. */
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
      // What happened below, as everywhere outside a browser.
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
