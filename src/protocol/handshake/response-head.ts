import type { HandshakeLimits } from "../limits.ts";
import { LimitError } from "../protocol-error.ts";
import { HandshakeError } from "./handshake-error.ts";
import { isFieldValue, isToken, trimmed, type HeaderFields } from "./header-fields.ts";

/** A response's start line and header lines. */
export interface ResponseHead {
  httpVersion: string;
  status: number;
  statusText: string;
  headers: HeaderFields;
}

/** What a reader says after each chunk. */
export type HeadProgress =
  | { kind: "incomplete" }
  /** `rest` is what came behind the empty line: the first frames. */
  | { kind: "complete"; head: ResponseHead; rest: Uint8Array }
  | { kind: "failed"; error: HandshakeError | LimitError };

const LF = 0x0a;
const CR = 0x0d;
const STATUS_LINE = /^HTTP\/(\d\.\d) (\d{3})(?: (.*))?$/;

/**
 * Reads an HTTP/1.1 response head from bytes as they arrive, within limits. (RFC 9112 §4, §5)
 */
export class ResponseHeadReader {
  readonly #limits: HandshakeLimits;
  readonly #lines: string[] = [];
  #line: number[] = [];
  #bytes = 0;

  constructor(limits: HandshakeLimits) {
    this.#limits = limits;
  }

  #failure: HeadProgress | undefined;

  receive(chunk: Uint8Array): HeadProgress {
    if (this.#failure !== undefined) return this.#failure;
    const progress = this.#receive(chunk);
    if (progress.kind === "failed") this.#failure = progress;
    return progress;
  }

  #receive(chunk: Uint8Array): HeadProgress {
    for (let at = 0; at < chunk.length; at += 1) {
      this.#bytes += 1;
      if (this.#bytes > this.#limits.maxHeaderBytes) return this.#tooLarge("maxHeaderBytes");
      const byte = chunk[at]!;
      if (byte !== LF) {
        this.#line.push(byte);
        continue;
      }
      // A bare LF could make two readers disagree about where the head ends.
      if (this.#line.pop() !== CR) return failed("A header line must end in CR LF.");
      if (this.#line.length === 0) return this.#finish(chunk.subarray(at + 1));
      if (this.#lines.length > this.#limits.maxHeaderLines) return this.#tooLarge("maxHeaderLines");
      this.#lines.push(latin1(this.#line));
      this.#line = [];
    }
    return { kind: "incomplete" };
  }

  #finish(rest: Uint8Array): HeadProgress {
    const match = STATUS_LINE.exec(this.#lines[0] ?? "");
    if (match === null) return failed("The answer does not start as an HTTP response.");
    const headers: [string, string][] = [];
    for (const line of this.#lines.slice(1)) {
      const colon = line.indexOf(":");
      const name = line.slice(0, colon);
      const value = trimmed(line.slice(colon + 1));
      if (colon < 1 || !isToken(name) || !isFieldValue(value)) {
        return failed("The answer has a malformed header line.");
      }
      headers.push([name, value]);
    }
    const [, httpVersion = "", status = "", statusText = ""] = match;
    const head = { httpVersion, status: Number(status), statusText, headers };
    return { kind: "complete", head, rest };
  }

  #tooLarge(name: keyof HandshakeLimits): HeadProgress {
    const limit = this.#limits[name];
    const message = `The answer's header is larger than ${name} (${limit}); raise it if the server is trusted.`;
    const size = name === "maxHeaderBytes" ? this.#bytes : this.#lines.length;
    const error = new LimitError("header_too_large", 1002, { message, size, limit });
    return { kind: "failed", error };
  }
}

function failed(message: string): HeadProgress {
  return { kind: "failed", error: new HandshakeError("bad_response", message) };
}

function latin1(bytes: number[]): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
