import { clearScreenDown, cursorTo, moveCursor, type Interface } from "node:readline";

const PROMPT = "> ";

/** Where a person types: below all that is written, and out of its way while it is written. */
export class PromptLine {
  readonly #lines: Interface;
  readonly #out: NodeJS.WriteStream;
  /** While there is nobody to send to there is no prompt either. */
  isWanted = false;

  constructor(lines: Interface, out: NodeJS.WriteStream) {
    this.#lines = lines;
    this.#out = out;
    lines.setPrompt(PROMPT);
  }

  /** Takes what is being typed off the screen, all rows of it. */
  hide(): void {
    this.#wipe(this.#lines.getCursorPos().rows);
  }

  show(): void {
    if (this.isWanted) this.#lines.prompt(true);
  }

  /** Takes a line that was just entered off the screen: the transcript shows it with its time. */
  takeBack(line: string): void {
    // A terminal that does not know its size says 0.
    const columns = this.#out.columns || Number.POSITIVE_INFINITY;
    this.#wipe(Math.floor(widthOf(PROMPT + line) / columns) + 1);
  }

  #wipe(rows: number): void {
    cursorTo(this.#out, 0);
    if (rows > 0) moveCursor(this.#out, 0, -rows);
    clearScreenDown(this.#out);
  }
}

/** East Asian scripts and pictures, which take two cells of a terminal each. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += WIDE.test(character) ? 2 : 1;
  return width;
}
