import type { HandshakeLimits } from "../limits.ts";
import { LimitError } from "../protocol-error.ts";
import { HandshakeError } from "./handshake-error.ts";
import { isFieldValue, isToken, trimmed, type HeaderFields } from "./header-fields.ts";

/** The status line and headers of a response. */
export interface ResponseHead {
  httpVersion: string;
  status: number;
  statusText: string;
  headers: HeaderFields;
}

/** The state of the reader after a chunk. */
export type HeadProgress =
  | { kind: "incomplete" }
  /** `rest` is the bytes after the empty line: the first frames. */
  | { kind: "complete"; head: ResponseHead; rest: Uint8Array }
  | { kind: "failed"; error: HandshakeError | LimitError };

const LF = 0x0a;
const STATUS_LINE = /^HTTP\/(\d\.\d) (\d{3})(?: (.*))?$/;

/**
 * Reads an HTTP/1.1 response head from bytes as they arrive, within limits. (RFC 9112 §4, §5)
 *
 * Preceding interim responses (100, 102, 103) are skipped. 101 is not one of them, because it is
 * the response to an upgrade. (RFC 9110 §15.2)
 */
export class ResponseHeadReader {
  readonly #limits: HandshakeLimits;
  readonly #lines: string[] = [];
  /** The current, unfinished line. */
  #line = "";
  #bytes = 0;
  /** The number of lines in all heads so far. */
  #lineCount = 0;
  #interimCount = 0;

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
    for (let at = 0; at < chunk.length;) {
      const feed = chunk.indexOf(LF, at);
      const end = feed === -1 ? chunk.length : feed + 1;
      this.#bytes += end - at;
      if (this.#bytes > this.#limits.maxHeaderBytes) return this.#tooLarge("maxHeaderBytes");
      this.#line += latin1(chunk.subarray(at, end));
      if (feed === -1) break;
      at = end;
      // A bare LF could make two parsers disagree about the end of the head.
      if (!this.#line.endsWith("\r\n"))
        return failed("The response has a header line that does not end in CR LF.");
      const line = this.#line.slice(0, -2);
      this.#line = "";
      if (line === "") {
        const progress = this.#finish(chunk.subarray(at));
        if (progress.kind !== "complete" || !isInterim(progress.head)) return progress;
        this.#interimCount += 1;
        const { maxInterimResponses } = this.#limits;
        if (this.#interimCount > maxInterimResponses) return this.#tooLarge("maxInterimResponses");
        this.#lines.length = 0;
        continue;
      }
      if (this.#lineCount > this.#limits.maxHeaderLines) return this.#tooLarge("maxHeaderLines");
      this.#lines.push(line);
      this.#lineCount += 1;
    }
    return { kind: "incomplete" };
  }

  #finish(rest: Uint8Array): HeadProgress {
    const match = STATUS_LINE.exec(this.#lines[0] ?? "");
    if (match === null) return failed("The server did not respond with HTTP.");
    const headers: [string, string][] = [];
    for (const line of this.#lines.slice(1)) {
      const colon = line.indexOf(":");
      const name = line.slice(0, colon);
      const value = trimmed(line.slice(colon + 1));
      if (colon < 1 || !isToken(name) || !isFieldValue(value)) {
        return failed("The response has a malformed header line.");
      }
      headers.push([name, value]);
    }
    const [, httpVersion = "", status = "", statusText = ""] = match;
    const head = { httpVersion, status: Number(status), statusText, headers };
    return { kind: "complete", head, rest };
  }

  #tooLarge(name: keyof HandshakeLimits): HeadProgress {
    const limit = this.#limits[name];
    const message = `The response's headers exceed ${name} (${limit}); raise the limit if you trust the server.`;
    const sizes = {
      maxHeaderBytes: this.#bytes,
      maxHeaderLines: this.#lineCount,
      maxInterimResponses: this.#interimCount,
    };
    const size = sizes[name];
    const error = new LimitError("header_too_large", 1002, { message, size, limit });
    return { kind: "failed", error };
  }
}

function isInterim({ status }: ResponseHead): boolean {
  return status >= 100 && status <= 199 && status !== 101;
}

function failed(message: string): HeadProgress {
  return { kind: "failed", error: new HandshakeError("bad_response", message) };
}

/** A number of arguments that every call accepts. */
const SLICE = 8192;

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += SLICE) {
    text += String.fromCharCode(...bytes.subarray(at, at + SLICE));
  }
  return text;
}
