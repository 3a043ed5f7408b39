/** The part of `BroadcastChannel` that is used here. */
export interface TabChannel {
  onmessage: unknown;
  postMessage(message: unknown): void;
  close(): void;
}

/** The part of `navigator.locks` that is used here. */
export interface Locks {
  /** Holds the lock until the promise settles; `signal` cancels the request. */
  request(
    name: string,
    options: { signal: AbortSignal },
    hold: () => Promise<unknown>,
  ): Promise<unknown>;
}
