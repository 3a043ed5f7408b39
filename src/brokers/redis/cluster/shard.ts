import type { LinkHandler } from "../link/link.ts";
import { RedisLink } from "../link/redis-link.ts";
import type { RedisBrokerOptions } from "../redis-options.ts";

interface ShardHandler extends LinkHandler {
  /** A channel of the shard has moved to another shard. */
  onMoved(channel: string): void;
}

/**
 * A server of a cluster that has slots.
 *
 * It has two connections: a server announces moved channels unasked, and the package would mistake
 * that for answers to pending scripts on the same connection.
 */
export class Shard {
  readonly scripts: RedisLink;
  readonly notifications: RedisLink;

  /** @param options for this server alone */
  constructor(options: RedisBrokerOptions, handler: ShardHandler) {
    this.notifications = RedisLink.start(options, {
      onNotified: (channel, text) => handler.onNotified(channel, text),
      onBack: (channels) => handler.onBack(channels),
      // Nothing waits for it; topics that missed something refresh when it is back.
      onLost: () => {},
      onMoved: (channel) => handler.onMoved(channel),
    });
    this.scripts = RedisLink.start(options, {
      onNotified: () => {},
      onBack: () => handler.onBack(this.notifications.channels),
      onLost: () => handler.onLost(this.notifications.channels),
    });
  }

  /** Waits for the connection attempts in progress, whatever their outcome. */
  async settled(): Promise<void> {
    await Promise.all([this.scripts.settled(), this.notifications.settled()]);
  }

  get isAway(): boolean {
    return this.scripts.isAway || this.notifications.isAway;
  }

  close(): void {
    this.scripts.close();
    this.notifications.close();
  }
}
