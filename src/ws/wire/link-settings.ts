import { systemClock, TimerWheel } from "../../base/index.ts";
import type { StreamConnectionOptions } from "../../node/index.ts";
import type { Role } from "../../protocol/index.ts";
import {
  habitsOf,
  limitsOf,
  type ConnectionOptions,
  type GenerateMask,
} from "../connection-options.ts";

/** Reading from a client stops while this many bytes are unsent. */
const STOP_READING_BYTES = 1024 * 1024;

/** Runs the timeouts of all connections. */
const wheel = new TimerWheel(systemClock);

/** The arguments of a `WebSocket` besides its stream. */
export interface SocketOptions extends ConnectionOptions {
  generateMask?: GenerateMask | undefined;
}

/** The settings that all links of one owner share. */
export interface LinkSettings {
  connection: StreamConnectionOptions;
  generateMask: GenerateMask | undefined;
  autoPong: boolean;
  /** 0 for no limit. */
  maxPendingAutoPongs: number;
}

/**
 * By the options that they were created from, so that ten thousand sockets of a server share one.
 */
const known: Readonly<Record<Role, WeakMap<SocketOptions, LinkSettings>>> = {
  server: new WeakMap(),
  client: new WeakMap(),
};

/**
 * Returns the settings of a link.
 *
 * @param own the options of its `WebSocket`
 * @param given the options that came with the stream; the same object for all streams of one owner
 */
export function linkSettings(
  own: ConnectionOptions,
  given: SocketOptions,
  role: Role,
): LinkSettings {
  if (own !== given) return settingsOf(own, given, role);
  let settings = known[role].get(given);
  if (settings === undefined) {
    settings = settingsOf(own, given, role);
    known[role].set(given, settings);
  }
  return settings;
}

function settingsOf(
  { autoPong, closeTimeout = 0, maxPendingAutoPongs = 0 }: ConnectionOptions,
  given: SocketOptions,
  role: Role,
): LinkSettings {
  return {
    connection: {
      role,
      wheel,
      limits: limitsOf(given),
      behavior: habitsOf(given, given.generateMask),
      closeTimeoutMs: closeTimeout,
      stopReadingBytes: role === "server" ? STOP_READING_BYTES : Infinity,
      oneTaskPerMessage: given.allowSynchronousEvents === false,
      clientEnds: true,
    },
    generateMask: given.generateMask,
    autoPong: autoPong === true,
    maxPendingAutoPongs,
  };
}
