// What a topic and all topics together may hold; the same for everybody.

/**
 * How many unsent bytes a subscriber may have before nothing more is written to it. It is all
 * that a slow one costs: the events that it lacks wait in the log, for everybody.
 */
export const OUTSTANDING_BYTES: number = 64 * 1024;

/** About how many bytes a page of a snapshot may have before another one is begun. */
export const PAGE_BYTES: number = 64 * 1024;

/** A lane is for those who keep up; who falls behind it is served from the log again. */
export const MAX_LANE_BYTES: number = 512 * 1024;

/**
 * How deep arrays and objects may be inside one another in what a client sends; many parsers give
 * up beyond it. Closed with 4400.
 */
export const MAX_DEPTH = 1_000;

/**
 * How many members the objects may have together that have more than 1,000 each, in what is parsed
 * for the application: each costs the loop up to 5 microseconds. Beyond: `too_large`.
 */
export const MAX_WIDE_MEMBERS = 20_000;

/** The longest key, in UTF-16 units. Beyond: `bad_request`. */
export const MAX_KEY_LENGTH = 255;

/** A keyed topic's `maxKeys`, unless its declaration says otherwise. Beyond: `too_large`. */
export const DEFAULT_MAX_KEYS = 100_000;

/** A keyed topic's `maxStateBytes`, unless its declaration says otherwise. Beyond: `too_large`. */
export const DEFAULT_MAX_STATE_BYTES: number = 256 * 1024 * 1024;

/** What all lanes of a server keep. Beyond it the one that has grown least recently loses blocks. */
export const MAX_LANES_BYTES: number = 64 * 1024 * 1024;

/** What all pages that are kept for more than one reader have. Beyond it the oldest go. */
export const MAX_PAGES_BYTES: number = 16 * 1024 * 1024;

/** How many different params a topic is narrowed by at one time. Beyond: `unavailable`, 4503. */
export const MAX_VIEWS = 10_000;

/**
 * The same for a topic whose `match` is a function of the application: each new event has to ask
 * it once per view. Beyond: `unavailable`, 4503.
 */
export const MAX_OPAQUE_VIEWS = 1_000;

/** How long params may be as JSON, since each view keeps its own. Beyond: `invalid_params`. */
export const MAX_PARAMS_LENGTH: number = 16 * 1024;

/** How many names params may have, since each is compared with a field. Beyond: `invalid_params`. */
export const MAX_PARAMS = 64;

/** How long the params of all views of a topic are together. Beyond: `unavailable`, 4503. */
export const MAX_ALL_PARAMS_LENGTH: number = 16 * 1024 * 1024;

/**
 * The same where `match` is a function of the application: such params are kept as objects, which
 * cost up to 60 times their JSON.
 */
export const MAX_ALL_OPAQUE_PARAMS_LENGTH: number = 1024 * 1024;

/** Fields of one topic that are indexed at one time. Beyond it the least recently used goes. */
export const MAX_INDEXED_FIELDS = 8;

/** Different fields that are counted per topic. Beyond it any field may be one that events have. */
export const MAX_FIELD_NAMES = 1_024;

/**
 * Tombstones that a view remembers, so that its memory does not grow with the topic. A client that
 * comes back from before them is told of each key that changed since, as if the view were new.
 */
export const MAX_TOMBSTONES = 1_000;

/** For how long a topic of a pattern stays open when nobody uses it. */
export const IDLE_TOPIC_MS = 30_000;

/** For how long a repeated call with the same key is recognised. */
export const IDEMPOTENCY_WINDOW_MS = 300_000;

/**
 * For how long a presence remembers who has left, in milliseconds; whoever follows it and was away
 * for longer gets all who are there.
 */
export const PRESENCE_REMOVED_MS = 60_000;

/** How many subscribers of one topic its presence can tell of. */
export const MAX_PRESENT = 1_000_000;
