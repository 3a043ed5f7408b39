/** What a look at an event costs, in units; a unit is about what a character of JSON costs. */
export const VISIT_UNITS = 16;

/** What it costs to parse an event, beside a unit for each character. */
const PARSE_UNITS = 112;

/**
 * What a slice may cost: 4,096 small events parsed, or 512 Ki characters of long ones. Both take
 * two to five milliseconds on a server of 2020.
 */
export const SLICE_UNITS: number = 512 * 1024;

/** Counts what a walk does, so that it stops when it has done enough. */
export class Work {
  units = 0;
  /** How many events have been looked at. */
  visits = 0;

  get isUsedUp(): boolean {
    return this.units >= SLICE_UNITS;
  }

  visit(): void {
    this.visits += 1;
    this.units += VISIT_UNITS;
  }

  /** An event's JSON is parsed, or given to a function that may parse it. */
  read(json: string): void {
    this.units += PARSE_UNITS + json.length;
  }

  /** An event's JSON is written into a page, which costs about a quarter of parsing it. */
  write(json: string): void {
    this.units += VISIT_UNITS + json.length / 4;
  }
}
