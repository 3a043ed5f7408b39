import type { LiveStatus } from "../live/client/index.ts";
import type { Readable } from "./readable.ts";

/** The status of a connection as a store. */
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
