import { exceedsBytes, LongwireError, onAbort, shown } from "../../../base/index.ts";
import { LiveError, quoted, type Topic, type TopicEvent } from "../../../topics/index.ts";
import type { CommandInfo } from "../../system-topics.ts";
import { type AskedMethods, Question } from "../asking/question.ts";
import type { Statistics } from "../observing/statistics.ts";
import { isOver, type LoggedCommand, OpenCommands } from "./open-commands.ts";

export interface CommandOptions {
  /** How long it waits for a client that is away, in milliseconds. Default one day. */
  expiresInMs?: number;
  /**
   * A repeat with the same key for the same identity is the same command, until an hour after it is
   * over.
   */
  idempotencyKey?: string;
}

/** A command to be given. */
export interface NewCommand {
  readonly identity: string;
  readonly method: string;
  readonly params: unknown;
}

const DEFAULT_EXPIRES_MS = 86_400_000;

/** How long a command is shown after it is over, in milliseconds. */
const KEPT_MS = 3_600_000;

/** The room for where a command was delivered and how it failed, in bytes. */
const OUTCOME_BYTES = 1_024;

/** The cost of looking at one command, in units of a slice. */
const VISIT_UNITS = 64;

/** The commands to clients that may be away, in the topic `$commands`. */
export class Mailbox {
  readonly open: OpenCommands = new OpenCommands();
  readonly #asked: AskedMethods;
  readonly #statistics: Statistics;
  readonly #maxBytes: number;
  #topic: Topic | undefined;

  /** @param maxBytes the longest value of a topic */
  constructor(
    asked: AskedMethods,
    { statistics, maxBytes }: { statistics: Statistics; maxBytes: number },
  ) {
    this.#statistics = statistics;
    this.#maxBytes = maxBytes;
    this.#asked = asked;
  }

  /** @param onChanged is called with the identity whose command has changed */
  start(topic: Topic, onChanged: (identity: string) => void): void {
    this.#topic = topic;
    this.readAgain();
    topic.listen((event, replaced) => {
      this.open.take(event);
      const { identity } = ((event.removed ? replaced : event)?.data ?? {}) as Partial<CommandInfo>;
      if (identity !== undefined) onChanged(identity);
    });
  }

  /**
   * The broker's time, by which commands expire: the clocks of servers differ, and can be set, in
   * ms since the Unix epoch.
   */
  get now(): number {
    return this.#topic?.now ?? 0;
  }

  /** After the topic's log was reloaded. */
  readAgain(): void {
    this.open.clear();
    for (const event of this.#topic?.events() ?? []) this.open.take(event);
  }

  /**
   * Stores a command and returns its key.
   *
   * @throws LongwireError `unknown_topic` without `$commands`, `unknown_method`, `invalid_params`,
   *   `invalid_limit`, and LiveError `too_large`, `unavailable`, as a rejection
   */
  async give(
    { identity, method, params }: NewCommand,
    { expiresInMs = DEFAULT_EXPIRES_MS, idempotencyKey }: CommandOptions,
  ): Promise<string> {
    const topic = this.#required;
    const { request } = new Question(this.#asked, method, { params, timeoutMs: undefined });
    requireExpiry(expiresInMs);
    const givenAt = Math.floor(topic.now);
    const info: CommandInfo = {
      identity,
      method,
      ...(request.params !== undefined && { params: JSON.parse(request.params) as unknown }),
      state: "pending",
      givenAt,
      expiresAt: givenAt + expiresInMs,
    };
    this.#checkLength(info);
    const key =
      idempotencyKey === undefined
        ? crypto.randomUUID()
        : await hashOf(JSON.stringify([identity, idempotencyKey]));
    // The broker recognizes the repeats of five minutes, and the command's key the others.
    const known = topic.newest(key);
    if (known !== undefined && !known.removed) return key;
    await topic.append({ key, data: info, idempotencyKey: key });
    return key;
  }

  /**
   * Withdraws a command, and returns whether the client will never be told.
   *
   * @throws LongwireError `unknown_command`, and LiveError `unavailable`, as a rejection
   */
  async withdraw(key: string): Promise<boolean> {
    for (;;) {
      const { state } = this.#infoOf(key);
      if (state === "withdrawn" || state === "expired") return true;
      const command = this.open.get(key);
      if (command === undefined || state !== "pending") return false;
      if ((await this.change(command, { state: "withdrawn" })) !== undefined) return true;
      // It has changed meanwhile, perhaps in a way that has not arrived here yet.
      await this.#required.catchUp();
    }
  }

  /**
   * Resolves with a command when it is over.
   *
   * @throws LongwireError `unknown_command`, and the signal's reason, as a rejection
   */
  outcomeOf(key: string, signal: AbortSignal | undefined): Promise<CommandInfo> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const info = this.#infoOf(key);
      if (isOver(info)) return resolve(info);
      const end = (): void => {
        stopListening();
        stopWatching?.();
      };
      const onChanged = ({ key: changed, removed, data }: Partial<TopicEvent>): void => {
        if (changed !== key || (removed !== true && !isOver(data as CommandInfo))) return;
        end();
        if (removed === true) reject(unknownCommand(key));
        else resolve(data as CommandInfo);
      };
      // The broker may have lost the command together with its log.
      const onReloaded = (): void =>
        queueMicrotask(() => onChanged(this.#required.newest(key) ?? { key, removed: true }));
      const stopListening = this.#required.listen(onChanged, onReloaded);
      const stopWatching =
        signal &&
        onAbort(signal, () => {
          end();
          // A signal's reason may be anything.
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors
          reject(signal.reason);
        });
    });
  }

  /**
   * Changes a command, unless it has changed meanwhile.
   *
   * @returns the command as it is now; `undefined` if it had changed
   * @throws LiveError `unavailable` as a rejection
   */
  async change(
    { key, offset: ifNewest, info }: LoggedCommand,
    changes: Partial<CommandInfo>,
  ): Promise<LoggedCommand | undefined> {
    const changed = { ...info, ...changes };
    const lease = isOver(changed) ? { leaseMs: KEPT_MS } : {};
    try {
      const draft = { key, data: changed, ifNewest, ...lease };
      const { offset } = await this.#required.append(draft);
      if (isOver(changed)) this.#statistics.ended(changed.state);
      return { key, offset, info: changed };
    } catch (error) {
      if (error instanceof LiveError && error.code === "conflict") return undefined;
      throw error;
    }
  }

  /** Ends, in slices, the commands that nobody came for in time. */
  tidy(): void {
    const { now } = this;
    this.#topic?.slices.forEach("commands", this.open.pending(), {
      unitsOf: () => VISIT_UNITS,
      visit: (command) => {
        if (command.info.expiresAt > now) return;
        // Another server was faster, or the broker is unreachable and the next one does it.
        this.change(command, { state: "expired" }).catch(() => {});
      },
    });
  }

  /** The outcome of a command is stored with it. @throws LiveError `too_large` */
  #checkLength(info: CommandInfo): void {
    const most = this.#maxBytes - OUTCOME_BYTES;
    if (!exceedsBytes(JSON.stringify(info), most)) return;
    const message = `The command takes more than ${most} bytes, which is maxMessageBytes without room for its outcome; send less, or raise the limit.`;
    throw new LiveError("too_large", message);
  }

  #infoOf(key: string): CommandInfo {
    const event = this.#required.newest(key);
    if (event === undefined || event.removed) throw unknownCommand(key);
    return event.data as CommandInfo;
  }

  get #required(): Topic {
    if (this.#topic !== undefined) return this.#topic;
    const message = "There is no topic $commands; add commandsTopic() to topics.";
    throw new LongwireError("unknown_topic", message);
  }
}

function unknownCommand(key: string): LongwireError {
  const message = `There is no command ${quoted(key)}; it was never given, or was over for longer than an hour.`;
  return new LongwireError("unknown_command", message);
}

/** Short enough for a key, and without a character that a broker could not take. */
async function hashOf(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @throws LongwireError `invalid_limit` */
function requireExpiry(expiresInMs: unknown): void {
  if (Number.isSafeInteger(expiresInMs) && (expiresInMs as number) > 0) return;
  const message = `expiresInMs is ${shown(expiresInMs)}; give a positive number of milliseconds, or leave it out.`;
  throw new LongwireError("invalid_limit", message);
}
