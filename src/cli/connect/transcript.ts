import type { Writable } from "node:stream";

/** An event of a connection, to be printed for a person or a program. */
export type Happening =
  | { kind: "open"; url: string; protocol: string }
  | { kind: "message"; direction: "in" | "out"; data: string | Uint8Array }
  | { kind: "pong"; milliseconds: number }
  | { kind: "note"; text: string }
  | { kind: "error"; message: string }
  | { kind: "close"; code: number; reason: string };

/** Prints what happens. */
export interface Transcript {
  write(happening: Happening): void;
}

/** One JSON object per line, for programs. */
export class JsonTranscript implements Transcript {
  readonly #out: Writable;

  constructor(out: Writable) {
    this.#out = out;
  }

  write(happening: Happening): void {
    const time = new Date().toISOString();
    this.#out.write(`${JSON.stringify({ time, ...happening, ...payloadOf(happening) })}\n`);
  }
}

/** A message's text, with its value if it is JSON; bytes as base64. */
function payloadOf(happening: Happening): object {
  if (happening.kind !== "message") return {};
  const { data } = happening;
  if (typeof data !== "string") {
    return { type: "binary", data: Buffer.from(data).toString("base64") };
  }
  try {
    return { type: "text", data, json: JSON.parse(data) as unknown };
  } catch {
    return { type: "text", data };
  }
}

/**
 * Prints only received messages, one per line, so that they can be piped on; the rest goes to
 * `err`.
 */
export class PipeTranscript implements Transcript {
  readonly #out: Writable;
  readonly #err: Writable;

  constructor(out: Writable, err: Writable) {
    this.#out = out;
    this.#err = err;
  }

  write(happening: Happening): void {
    if (happening.kind === "message") {
      if (happening.direction === "in") this.#out.write(happening.data);
      if (happening.direction === "in") this.#out.write("\n");
    } else if (happening.kind === "error") {
      this.#err.write(`longwire: ${happening.message}\n`);
    } else if (happening.kind === "close" && happening.code !== 1000 && happening.code !== 1005) {
      this.#err.write(`longwire: ${closeText(happening)}\n`);
    } else if (happening.kind === "pong" || happening.kind === "note") {
      this.#err.write(`${plainText(happening)}\n`);
    }
  }
}

/** The width of a line's time and mark. */
const INDENT = " ".repeat(11);

const COLOURS = { in: 32, out: 36, error: 31, quiet: 90 } as const;

/** For a terminal: time, direction, text; the line being typed stays below. */
export class TerminalTranscript implements Transcript {
  readonly #out: Writable;
  readonly #colours: boolean;
  readonly #aroundLine: { before(): void; after(): void };

  constructor(
    out: Writable,
    options: { colours: boolean; aroundLine: { before(): void; after(): void } },
  ) {
    this.#out = out;
    this.#colours = options.colours;
    this.#aroundLine = options.aroundLine;
  }

  write(happening: Happening): void {
    const time = this.#paint("quiet", new Date().toTimeString().slice(0, 8));
    this.#aroundLine.before();
    // Continuation lines are indented, so that no message can imitate another entry.
    const text = this.#textOf(happening).replaceAll("\n", `\n${INDENT}`);
    this.#out.write(`${time} ${text}\n`);
    this.#aroundLine.after();
  }

  #textOf(happening: Happening): string {
    if (happening.kind === "error") return this.#paint("error", `✗ ${happening.message}`);
    if (happening.kind !== "message") return this.#paint("quiet", `· ${plainText(happening)}`);
    const mark = happening.direction === "in" ? "←" : "→";
    return `${this.#paint(happening.direction, mark)} ${shown(happening.data)}`;
  }

  #paint(colour: keyof typeof COLOURS, text: string): string {
    return this.#colours ? `\u001b[${COLOURS[colour]}m${text}\u001b[39m` : text;
  }
}

const SHOWN_BYTES = 32;

/** Escapes a message, because a server must not control the terminal. */
function shown(data: string | Uint8Array): string {
  if (typeof data === "string") {
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    return data.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\ufffd");
  }
  const hex = Buffer.from(data.subarray(0, SHOWN_BYTES)).toString("hex").replace(/../g, "$& ");
  return `binary, ${data.length} bytes: ${hex}${data.length > SHOWN_BYTES ? "…" : ""}`;
}

function plainText(happening: Exclude<Happening, { kind: "message" | "error" }>): string {
  switch (happening.kind) {
    case "open":
      return `open ${happening.url}${happening.protocol && `, subprotocol ${happening.protocol}`}`;
    case "pong":
      return `pong after ${happening.milliseconds.toFixed(1)} ms`;
    case "note":
      return happening.text;
    case "close":
      return closeText(happening);
  }
}

function closeText({ code, reason }: { code: number; reason: string }): string {
  return `closed with ${code}${reason === "" ? "" : `, ${shown(reason)}`}`;
}
