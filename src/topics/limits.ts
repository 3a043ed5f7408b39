// Limits of one topic and of all topics together. They are not configurable.

/**
 * The most unsent bytes of a subscriber before nothing more is written to it. A slow subscriber
 * costs no more than this, because the events it has not read stay in the shared log.
 */
export const OUTSTANDING_BYTES: number = 64 * 1024;

/** The approximate size of a snapshot page in bytes. */
export const PAGE_BYTES: number = 64 * 1024;

/** The most bytes in one lane. Subscribers that fall behind it read from the log. */
export const MAX_LANE_BYTES: number = 512 * 1024;

/**
 * How deeply arrays and objects from a client may be nested; many parsers fail beyond that. Closed
 * with 4400.
 */
export const MAX_DEPTH = 1_000;

/**
 * The most members, counted over all objects with more than 1,000, in what is parsed for the
 * application: each blocks the event loop for up to 5 microseconds. Beyond that: `too_large`.
 */
export const MAX_WIDE_MEMBERS = 20_000;

/** The longest key, in UTF-16 units. Beyond that: `bad_request`. */
export const MAX_KEY_LENGTH = 255;

/** The default `maxKeys` of a keyed topic. Beyond that: `too_large`. */
export const DEFAULT_MAX_KEYS = 100_000;

/** The default `maxStateBytes` of a keyed topic. Beyond that: `too_large`. */
export const DEFAULT_MAX_STATE_BYTES: number = 256 * 1024 * 1024;

/**
 * The most bytes in all lanes of a server. Beyond that, the lane that grew least recently loses
 * blocks.
 */
export const MAX_LANES_BYTES: number = 64 * 1024 * 1024;

/** The most bytes in all cached pages of a server. Beyond that, the oldest are evicted. */
export const MAX_PAGES_BYTES: number = 16 * 1024 * 1024;

/** The most distinct params in use for a topic. Beyond that: `unavailable`, 4503. */
export const MAX_VIEWS = 10_000;

/**
 * The same for a topic whose `match` is a function of the application, because it is called once
 * per event and view. Beyond that: `unavailable`, 4503.
 */
export const MAX_OPAQUE_VIEWS = 1_000;

/** The longest params as JSON, because each view keeps its own. Beyond that: `invalid_params`. */
export const MAX_PARAMS_LENGTH: number = 16 * 1024;

/**
 * The most names in params, because each is compared with a field. Beyond that: `invalid_params`.
 */
export const MAX_PARAMS = 64;

/** The total length of the params of all views of a topic. Beyond that: `unavailable`, 4503. */
export const MAX_ALL_PARAMS_LENGTH: number = 16 * 1024 * 1024;

/**
 * The same if `match` is a function of the application: such params are kept as objects, which take
 * up to 60 times their JSON.
 */
export const MAX_ALL_OPAQUE_PARAMS_LENGTH: number = 1024 * 1024;

/** The most indexed fields of one topic. Beyond that, the least recently used index is dropped. */
export const MAX_INDEXED_FIELDS = 8;

/**
 * The most distinct fields that are counted per topic. Beyond that, any field counts as present.
 */
export const MAX_FIELD_NAMES = 1_024;

/**
 * The most tombstones that a view remembers, so that its memory does not grow with the topic. A
 * client that resumes from before the oldest one receives each key that has changed since, as if
 * the view were new.
 */
export const MAX_TOMBSTONES = 1_000;

/** How long an idle topic of a pattern stays open. */
export const IDLE_TOPIC_MS = 30_000;

/** How long a repeated idempotency key is recognized. */
export const IDEMPOTENCY_WINDOW_MS = 300_000;

/**
 * How long presence remembers who has left, in milliseconds. A subscriber that was away for longer
 * receives everyone present.
 */
export const PRESENCE_REMOVED_MS = 60_000;

/** The most subscribers in the presence of one topic. */
export const MAX_PRESENT = 1_000_000;
