import type { Guard, Unguarded } from "./guard.ts";
import { payersShare, requestRates, sliceOfATurn, sliceOfAWalk } from "./shared.ts";

const keptAsText: Guard = {
  what: "a value is kept as its text, and parsed for who asks",
  file: "dist/topics/event.js",
  from: "        this.json = json;",
  to: "        this.json = json;\n        this.parsed = removed ? null : JSON.parse(json);",
};

/** The guards of a walk over 20,000 keys with params whose fields none of the keys has. */
const manyParams: readonly Guard[] = [
  {
    what: "params have 64 names at most",
    file: "dist/topics/limits.js",
    from: "export const MAX_PARAMS = 64;",
    to: "export const MAX_PARAMS = Infinity;",
  },
  {
    what: "events are found by an index over their fields",
    file: "dist/topics/matching/field-indexes.js",
    from: "const INDEX_FROM = 1_024;",
    to: "const INDEX_FROM = Infinity;",
  },
  sliceOfATurn,
  sliceOfAWalk,
];

/** Guards on the cost of one client's topics, views, calls and publishes. */
export const live: readonly Unguarded[] = [
  { row: "costly-values-arrays", expects: "memory", guards: [keptAsText] },
  {
    row: "costly-values-nested",
    expects: "memory",
    guards: [
      keptAsText,
      {
        what: "data nests 1,000 levels deep at most",
        file: "dist/live/wire/client-message.js",
        from: "if (data !== undefined && data.depth > MAX_DEPTH)\n",
        to: "if (false)",
      },
      {
        what: "a text is looked at 16,384 levels deep at most",
        file: "dist/topics/json/scan.js",
        from: "const MAX_SCANNED_DEPTH = 16_384;",
        to: "const MAX_SCANNED_DEPTH = 1_000_000;",
      },
    ],
  },
  { row: "costly-values-fields", expects: "memory", guards: [keptAsText] },
  { row: "distinct-params", expects: "late", guards: [sliceOfATurn, sliceOfAWalk] },
  { row: "long-params", expects: "late", guards: manyParams },
  { row: "long-queries", expects: "late", guards: manyParams },
  {
    row: "monitor-params",
    expects: "late",
    guards: [
      {
        what: "views that nobody reads are dropped, and a topic has 1,000 at most",
        file: "dist/topics/fan-out/topic-views.js",
        from: "if (!this.#isFull(length) && this.#views.size < this.#sweepAt)",
        to: "if (true)",
      },
      {
        what: "an event that goes through many views is parsed once",
        file: "dist/topics/event.js",
        from: "if (latest?.event === event)",
        to: "if (false)",
      },
      {
        what: "and so is the one that it replaces",
        file: "dist/topics/event.js",
        from: "if (previous?.event === event)",
        to: "if (false)",
      },
    ],
  },
  { row: "names-large", expects: "memory", guards: [payersShare] },
  { row: "names-many", expects: "memory", guards: [payersShare] },
  {
    row: "remembered-answers",
    expects: "memory",
    guards: [
      payersShare,
      {
        what: "10,000 answers are remembered for a payer",
        file: "dist/live/server/limits.js",
        from: "export const MAX_REMEMBERED_CALLS = 10_000;",
        to: "export const MAX_REMEMBERED_CALLS = Infinity;",
      },
      ...requestRates,
    ],
  },
  { row: "remembered-publishes", expects: "stays", guards: [payersShare, ...requestRates] },
  { row: "pending-calls", expects: "memory", guards: [payersShare] },
  {
    row: "many-keys",
    expects: "late",
    guards: [
      {
        what: "the keys of a connection that has ended are removed in slices",
        file: "dist/topics/slices/slice-queue.js",
        from: "while (!progress.isDone && isAllowed(units)) {",
        to: "while (!progress.isDone) {",
      },
      {
        what: "a turn of slices ends after 10 ms",
        file: "dist/topics/slices/slice-queue.js",
        from: "const TURN_MS = 10;",
        to: "const TURN_MS = Infinity;",
      },
      {
        what: "a turn of slices ends when its work is done",
        file: "dist/topics/slices/slice-queue.js",
        from: "if (this.#usedInTurn >= SLICE_UNITS)",
        to: "if (false)",
      },
      {
        what: "the oldest entry of a map is found without a pass over those that were deleted",
        file: "dist/base/oldest-first.js",
        from: "this.#oldest ??= this.#next();",
        to: "this.#oldest = this.#entries.entries().next().value;",
      },
    ],
  },
  { row: "subscriptions", expects: "finding", guards: [payersShare, ...requestRates] },
  { row: "broker-away", expects: "memory", guards: [payersShare] },
  {
    row: "reading-creates",
    expects: "finding",
    guards: [
      {
        what: "the stream of a pattern's name is made by its first event, and not by a reader",
        file: "dist/brokers/nats/topic/nats-topic.js",
        from: "const isWanted = this.#declaration.pattern === undefined || this.#making !== undefined;",
        to: "const isWanted = true;",
      },
    ],
  },
];
