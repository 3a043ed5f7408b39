import type { LinkHandler } from "./link.ts";
import { RedisLink } from "./redis-link.ts";
import type { RedisBrokerOptions } from "./redis-options.ts";

interface ShardHandler extends LinkHandler {
  /** A channel of it is at another shard now. */
  onMoved(channel: string): void;
}

/**
 * A server of a cluster that has slots.
 *
 * It has two connections: a server says of its own accord that channels have moved, which the
 * package would take for answers to scripts that are under way on the same one.
 */
export class Shard {
  readonly scripts: RedisLink;
  readonly notifications: RedisLink;

  /** @param options of this server alone */
  constructor(options: RedisBrokerOptions, handler: ShardHandler) {
    this.notifications = RedisLink.start(options, {
      onNotified: (channel, text) => handler.onNotified(channel, text),
      onBack: (channels) => handler.onBack(channels),
      // Nothing has waited for it; who has missed something looks when it is back.
      onLost: () => {},
      onMoved: (channel) => handler.onMoved(channel),
    });
    this.scripts = RedisLink.start(options, {
      onNotified: () => {},
      onBack: () => handler.onBack(this.notifications.channels),
      onLost: () => handler.onLost(this.notifications.channels),
    });
  }

  /** Waits for the attempts to connect that are under way, whatever comes of them. */
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
