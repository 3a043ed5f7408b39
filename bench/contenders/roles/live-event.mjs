/** The event that a live layer publishes: a number, so that a lost event is noticed, and text. */
export function liveEvent(sequence, text) {
  return { sequence, symbol: "ACME", price: 100 + (sequence % 50), text };
}
