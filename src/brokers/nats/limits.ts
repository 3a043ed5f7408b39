/** How long a repeated append is recognized by default, in milliseconds. */
export const WINDOW_MS = 300_000;

/**
 * How many messages a keyed topic's stream keeps beyond the window and the newest of each key. With
 * more than this, and more than there are keys, the stream is shortened.
 */
export const SPARE_MESSAGES = 1_000;

/** How many values are copied at a time when a stream is shortened. */
export const COPIES_AT_ONCE = 500;

/**
 * After another node has copied values, a node leaves the shortening to it for this long, in ms.
 */
export const SHORTENED_BY_ANOTHER_MS = 30_000;

/** The longest stream name that NATS accepts. */
export const MAX_STREAM_NAME_LENGTH = 255;

/**
 * How many events a log topic's stream keeps beyond the retention, so that followers that are
 * briefly late still find them. A node that opens the topic reports no more than the retention
 * allows.
 */
export const SPARE_EVENTS = 1_000;

/** A log topic's stream is shortened when it exceeds the retention by this much, in bytes. */
export const SPARE_BYTES: number = 1024 * 1024;

/** How often NATS sends a heartbeat to an idle consumer, in milliseconds. */
export const HEARTBEAT_MS = 2_000;

/** A consumer that was silent for this long is recreated, in milliseconds. */
export const SILENCE_MS: number = 2.5 * HEARTBEAT_MS;

/** How often it is checked whether acknowledged events arrive, in milliseconds. */
export const FOLLOW_MS = 1_000;

/**
 * How long a replicated stream may report less than was seen before, in milliseconds, because a new
 * leader first has to apply what was agreed on.
 */
export const CATCH_UP_MS = 5_000;

/**
 * How long other nodes leave the alignment of replicas to the node that does it, in milliseconds.
 */
export const ALIGN_MS = 30_000;

/**
 * How long a replica that was removed is given to delete its data, in milliseconds: the leader
 * reports the removal before the replica's server has carried it out.
 */
export const REMOVAL_MS = 1_000;

/** The delay before a request whose answer is about to change is repeated, in milliseconds. */
export const AGAIN_MS = 50;

/** How many times a node looks again while another node is creating a stream. */
export const CREATE_ATTEMPTS = 20;

/** How long renewals of leases are kept, in milliseconds. */
export const RENEWALS_MS = 300_000;

/** How many leases one message renews; 500 of the longest keys fit in NATS's 1 MiB. */
export const LEASES_AT_ONCE = 500;

/**
 * When a lease expires, all nodes notice: each waits a random time up to this before ending it, in
 * ms.
 */
export const EXPIRY_JITTER_MS = 100;

/** The first delay before a refused request is retried, in milliseconds. */
export const FIRST_RETRY_MS = 100;

/**
 * How long a new empty stream may not be ready, in milliseconds. NATS 2.9 crashes if a stream is
 * asked for its messages before it is ready, so it gets this much time.
 */
export const NEW_MS = 2_000;
export const MAKING_MS = 200;
