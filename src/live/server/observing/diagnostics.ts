import type { LiveErrorCode } from "../../../topics/index.ts";
import type { StartKind } from "./statistics.ts";

/** How a client is connected; `http` is a stream of server-sent events. */
export type Level = 0 | 1 | "http";

/** What is told on each channel, under the name `longwire.live.` and the key here. */
export interface LiveDiagnostics {
  /** A connection was let in. */
  "session.open": { connection: string; level: Level; identity: string | undefined };
  /** A connection that was let in is over. */
  "session.close": { connection: string; level: Level; durationMs: number };
  /** A subscription began; `missed` offsets passed since the client was there last. */
  subscribe: { topic: string; start: StartKind; missed: number };
  /** A client's event is in the log. */
  publish: { topic: string; durationMs: number; duplicate: boolean };
  /** A call was answered, or refused with an error's code. */
  call: { method: string; durationMs: number; code: LiveErrorCode | undefined };
  /** A request was refused. */
  refusal: { code: LiveErrorCode };
  /** Events from `from` to `to` will not reach a subscriber that was too slow. */
  slow: { topic: string; from: number; to: number };
  /** How late the event loop was; once a second. */
  lag: { lagMs: number };
}

/** What Node's channels have that is used here. */
interface Channel {
  readonly hasSubscribers: boolean;
  publish(message: unknown): void;
}

/**
 * Tells whoever listens on `node:diagnostics_channel` what happens in live servers; with no
 * listener it costs a look.
 *
 * Where there is no such module nobody is told: it is asked for and not imported, so that the live
 * layer also runs where Node is not, as in a test in a browser.
 */
export class Diagnostics {
  readonly #channels = new Map<keyof LiveDiagnostics, Channel>();
  readonly #module = globalThis.process?.getBuiltinModule?.("node:diagnostics_channel");

  /** @param describe makes the message, if somebody listens */
  tell<Name extends keyof LiveDiagnostics>(
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
