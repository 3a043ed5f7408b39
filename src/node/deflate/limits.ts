// Measured with JSON at zlib's level 6 on the machine of the tests: 64 KiB hold the event loop for
// 0.7 to 0.9 ms, 256 KiB for 3.4 to 4.1, 1 MiB for 14 to 16.

/** From how many bytes on a message is compressed in the thread pool. */
export const LATER_FROM_BYTES: number = 64 * 1024;

/**
 * The longest text that becomes a compressed frame for many peers: it is compressed at once, since
 * what follows it may not overtake it, and the event loop shall be held for less than 5 ms. A longer
 * one goes as it is.
 */
export const MAX_SHARED_BYTES: number = 256 * 1024;

/**
 * How much of an incoming message is read and inflated at once, in bytes: half a millisecond's to
 * two milliseconds' work. What is longer goes on in the thread pool.
 */
export const AT_ONCE_BYTES: number = 256 * 1024;

/**
 * How many final blocks one message may have. Each ends the DEFLATE data and starts it anew
 * (RFC 7692 §7.2.3.4), which costs more than the two bytes that it takes to say so.
 */
export const MAX_FINAL_BLOCKS = 1024;
