/** The cost of checking an event, in units; one unit is about the cost of one character of JSON. */
export const VISIT_UNITS = 16;

/** The cost of parsing an event, plus one unit per character. */
const PARSE_UNITS = 112;

/**
 * The cost of a slice: 4,096 small events parsed, or 512 Ki characters of long ones. Both take two
 * to five milliseconds on a server of 2020.
 */
export const SLICE_UNITS: number = 512 * 1024;

/** Counts the work of a walk, so that it stops at the end of its slice. */
export class Work {
  units = 0;
  /** How many events have been checked. */
  visits = 0;

  get isUsedUp(): boolean {
    return this.units >= SLICE_UNITS;
  }

  visit(): void {
    this.visits += 1;
    this.units += VISIT_UNITS;
  }

  /** Counts an event whose JSON is parsed, or passed to a function that may parse it. */
  read(json: string): void {
    this.units += PARSE_UNITS + json.length;
  }

  /** Counts an event whose JSON is copied to a page, which costs about a quarter of parsing it. */
  write(json: string): void {
    this.units += VISIT_UNITS + json.length / 4;
  }
}
