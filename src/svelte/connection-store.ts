import type { LiveStatus } from "../live/client/index.ts";
import type { Readable } from "./readable.ts";

/** Returns a store with the status of a connection. */
export function connectionStore(live: {
  readonly status: LiveStatus;
  onStatus(listener: (status: LiveStatus) => void): () => void;
}): Readable<LiveStatus> {
  return {
    subscribe: (run) => {
      run(live.status);
      return live.onStatus(run);
    },
  };
}
