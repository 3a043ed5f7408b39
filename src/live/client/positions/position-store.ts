import type { Position } from "../../../topics/index.ts";

/** Stores how far a client has read, so that it can resume after a restart. */
export interface PositionStore {
  /**
   * @param name the topic's name; if the feed has params or options, each followed after a space by
   *   its JSON
   * @throws any error, also as a rejection. The feed then ends with it, because continuing without
   *   the position would silently skip events
   */
  load(name: string): Position | undefined | Promise<Position | undefined>;
  /**
   * Called with the position up to which a log topic was handled. While the returned promise is
   * pending, it is not called again; afterwards it is called with the newest position.
   */
  save(name: string, position: Position): void | Promise<void>;
}
