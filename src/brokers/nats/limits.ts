/** For how long a repeated append is recognised unless an option says otherwise, in milliseconds. */
export const WINDOW_MS = 300_000;

/**
 * What a keyed topic's stream keeps beyond the window and the newest of each key, in messages. When
 * there are more, and as many as there are keys, the stream is shortened.
 */
export const SPARE_MESSAGES = 1_000;

/** How many values are copied at a time when a stream is shortened. */
export const COPIES_AT_ONCE = 500;

/** After another node has copied values a node leaves the stream to it for this long, in ms. */
export const SHORTENED_BY_ANOTHER_MS = 30_000;

/** NATS takes no longer name of a stream. */
export const MAX_STREAM_NAME_LENGTH = 255;

/**
 * What a log topic's stream keeps beyond the retention, in events: so that who follows and is late
 * for a moment still finds them. Who opens the topic is told no more than the retention says.
 */
export const SPARE_EVENTS = 1_000;

/** A log topic's stream is shortened when it has this much more than the retention, in bytes. */
export const SPARE_BYTES: number = 1024 * 1024;

/** How often NATS says that a consumer with nothing to tell is alive, in milliseconds. */
export const HEARTBEAT_MS = 2_000;

/** A consumer that was silent for this long is made anew, in milliseconds. */
export const SILENCE_MS: number = 2.5 * HEARTBEAT_MS;

/** How often it is looked whether what is acknowledged gets followed, in milliseconds. */
export const FOLLOW_MS = 1_000;

/**
 * For how long a stream of several replicas may say less than was seen, in milliseconds: a new
 * leader has to apply first what was agreed on.
 */
export const CATCH_UP_MS = 5_000;

/** For how long other nodes leave it to the one that makes replicas the same, in milliseconds. */
export const ALIGN_MS = 30_000;

/** How soon it is asked again where an answer is to change in a moment, in milliseconds. */
export const AGAIN_MS = 50;

/** How often it is tried to make a stream that another node is about to make. */
export const CREATE_ATTEMPTS = 20;

/** For how long renewals of leases are kept, in milliseconds. */
export const RENEWALS_MS = 300_000;

/** How many leases one message renews; 500 of the longest keys are within NATS's 1 MiB. */
export const LEASES_AT_ONCE = 500;

/** Nodes that have all seen a lease run out do not all end it: each waits up to this long. */
export const EXPIRY_JITTER_MS = 100;

/** The first delay of what was refused and is tried again, in milliseconds. */
export const FIRST_RETRY_MS = 100;

/**
 * An empty stream that was made less than so long ago may not be ready, in milliseconds; NATS 2.9
 * ends with a crash where a stream is asked for what it holds before it is. It gets that much time.
 */
export const NEW_MS = 2_000;
export const MAKING_MS = 200;
