import { clearScreenDown, cursorTo, moveCursor, type Interface } from "node:readline";

const PROMPT = "> ";

/** The input line of a terminal: stays below all output, and is hidden while output is written. */
export class PromptLine {
  readonly #lines: Interface;
  readonly #out: NodeJS.WriteStream;
  /** No prompt is shown while the connection is not open. */
  isWanted = false;

  constructor(lines: Interface, out: NodeJS.WriteStream) {
    this.#lines = lines;
    this.#out = out;
    lines.setPrompt(PROMPT);
  }

  /** Erases the line being typed, including all its rows. */
  hide(): void {
    this.#wipe(this.#lines.getCursorPos().rows);
  }

  show(): void {
    if (this.isWanted) this.#lines.prompt(true);
  }

  /** Erases a line that was just entered, because the transcript shows it with its time. */
  takeBack(line: string): void {
    // A terminal of unknown size reports 0 columns.
    const columns = this.#out.columns || Number.POSITIVE_INFINITY;
    this.#wipe(Math.floor(widthOf(PROMPT + line) / columns) + 1);
  }

  #wipe(rows: number): void {
    cursorTo(this.#out, 0);
    if (rows > 0) moveCursor(this.#out, 0, -rows);
    clearScreenDown(this.#out);
  }
}

/** East Asian characters and emoji, which take two cells in a terminal. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += WIDE.test(character) ? 2 : 1;
  return width;
}
