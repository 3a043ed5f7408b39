// Measured with JSON at zlib's level 6 on the test machine: 64 KiB block the event loop for 0.7 to
// 0.9 ms, 256 KiB for 3.4 to 4.1 ms, 1 MiB for 14 to 16 ms.

/** From this size on, a message is compressed in the thread pool. */
export const LATER_FROM_BYTES: number = 64 * 1024;

/**
 * The maximum size of a text that is compressed for many peers. It is compressed synchronously,
 * because later messages must not overtake it, and must not block the event loop for more than 5
 * ms. A longer text is sent uncompressed.
 */
export const MAX_SHARED_BYTES: number = 256 * 1024;

/**
 * The part of a received message that is inflated synchronously, in bytes: half a millisecond to
 * two milliseconds of work. The rest is inflated in the thread pool.
 */
export const AT_ONCE_BYTES: number = 256 * 1024;

/**
 * The maximum number of final blocks per message. Each ends the DEFLATE data and starts new data
 * (RFC 7692 §7.2.3.4), which costs far more than the two bytes that request it.
 */
export const MAX_FINAL_BLOCKS = 1024;
