import { systemClock, TimerWheel } from "../../base/index.ts";
import type { StreamConnectionOptions } from "../../node/index.ts";
import type { Role } from "../../protocol/index.ts";
import {
  habitsOf,
  limitsOf,
  type ConnectionOptions,
  type GenerateMask,
} from "../connection-options.ts";

/** From how many unsent bytes on nothing more is read from a client. */
const STOP_READING_BYTES = 1024 * 1024;

/** The deadlines of all connections. */
const wheel = new TimerWheel(systemClock);

/** What a `WebSocket` is given with its stream. */
export interface SocketOptions extends ConnectionOptions {
  generateMask?: GenerateMask | undefined;
}

/** What all links of one owner have in common. */
export interface LinkSettings {
  connection: StreamConnectionOptions;
  generateMask: GenerateMask | undefined;
  autoPong: boolean;
  /** 0 for any number. */
  maxPendingAutoPongs: number;
}

/** By the options they were made of: ten thousand sockets of a server have one. */
const known: Readonly<Record<Role, WeakMap<SocketOptions, LinkSettings>>> = {
  server: new WeakMap(),
  client: new WeakMap(),
};

/**
 * Returns the settings of a link.
 *
 * @param own what its `WebSocket` was made with
 * @param given what came with the stream, the same object where that has one owner
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
