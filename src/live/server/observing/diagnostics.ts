import type { LiveErrorCode } from "../../../topics/index.ts";

/** How a subscription began: see `Recovery`; also `fresh` without `since`. */
export type StartKind = "resumed" | "gap" | "fresh";

/** How a client is connected; `http` is a stream of server-sent events. */
export type Level = 0 | 1 | "http";

/** The message of each channel. Channels are named `longwire.live.` plus the key. */
export interface LiveDiagnostics {
  /** A connection was accepted. */
  "session.open": { connection: string; level: Level; identity: string | undefined };
  /** An accepted connection ended. */
  "session.close": { connection: string; level: Level; durationMs: number };
  /** A subscription began; `missed` is the number of offsets since the client's last position. */
  subscribe: { topic: string; start: StartKind; missed: number };
  /** A client's event is in the log. */
  publish: { topic: string; durationMs: number; duplicate: boolean };
  /** A call was answered, or failed with an error code. */
  call: { method: string; durationMs: number; code: LiveErrorCode | undefined };
  /** A request was refused. */
  refusal: { code: LiveErrorCode };
  /** Events from `from` to `to` will not reach a subscriber that was too slow. */
  slow: { topic: string; from: number; to: number };
  /** How late the event loop was; published once a second. */
  lag: { lagMs: number };
}

/** The members of Node's `Channel` that are used here. */
interface Channel {
  readonly hasSubscribers: boolean;
  publish(message: unknown): void;
}

/**
 * Publishes the events of live servers on `node:diagnostics_channel`. Without subscribers it costs
 * one check.
 *
 * The module is looked up at run time and not imported, so that the live layer also runs where it
 * does not exist, such as in a browser test.
 */
export class Diagnostics {
  readonly #channels = new Map<keyof LiveDiagnostics, Channel>();
  readonly #module = globalThis.process?.getBuiltinModule?.("node:diagnostics_channel");

  /** @param describe creates the message; called only if the channel has subscribers */
  publish<Name extends keyof LiveDiagnostics>(
    name: Name,
    describe: () => LiveDiagnostics[Name],
  ): void {
    let channel = this.#channels.get(name);
    if (channel === undefined) {
      channel = this.#module?.channel(`longwire.live.${name}`) ?? NOBODY;
      this.#channels.set(name, channel);
    }
    if (channel.hasSubscribers) channel.publish(describe());
  }
}

const NOBODY: Channel = { hasSubscribers: false, publish: () => {} };
