import type { Offset } from "../../topics/index.ts";
import type { InputOf, LiveApi, MethodsOf, ResultOf, TopicName } from "../live-api.ts";
import type { Feed, TopicOptions } from "./feed/feed.ts";
import type { LiveStatus } from "./status.ts";
import type {
  DataNamed,
  ItemNamed,
  KeyedItem,
  NameOfKind,
  ParamsNamed,
} from "./feed/topic-items.ts";

/** An acknowledged publish. */
export interface Published {
  readonly offset: Offset;
  /** Whether an earlier publish with the same idempotency key was stored instead. */
  readonly duplicate: boolean;
}

export interface RequestOptions {
  /**
   * Identifies repeats of a request, 1 to 255 characters. Default for a publish: a random key.
   * Default for a call: none, and the call is not repeated.
   */
  idempotencyKey?: string;
}

/**
 * A subscriber as the server describes it, with its own update, and since when it is present (ms
 * since the Unix epoch).
 */
export type Presence = Readonly<Record<string, unknown>> & { readonly since: number };

/** A client of a live server. `Api` is the type of the server's declaration. */
export interface Live<Api extends LiveApi = LiveApi> {
  readonly status: LiveStatus;
  /**
   * Calls `listener` with every later status.
   *
   * @returns a function that stops it
   */
  onStatus(listener: (status: LiveStatus) => void): () => void;

  /**
   * Returns a topic's feed. Feeds with equal name and params share one subscription; a feed with
   * `from` has its own, and each of its readers receives what arrives after it joined.
   */
  topic<const Name extends TopicName<Api>>(
    name: Name,
    params?: ParamsNamed<Api, Name>,
    options?: TopicOptions,
  ): Feed<ItemNamed<Api, Name>, DataNamed<Api, Name>>;
  /** Returns who is subscribed to a topic that is declared with presence. */
  presence(name: TopicName<Api>): Feed<KeyedItem<Presence>, Presence>;

  /**
   * Appends an event to a log topic. The client repeats it over lost connections until it is
   * answered.
   *
   * @throws LongwireError as a rejection: the server's code; `unconfirmed` if it was sent but not
   *   answered for 4.5 minutes; `queue_full`; `too_large`; `refused`; `closed`
   */
  publish<const Name extends NameOfKind<Api, "log">>(
    name: Name,
    data: DataNamed<Api, Name>,
    options?: RequestOptions,
  ): Promise<Published>;
  /** Sets a key of a keyed topic. Rejects like `publish`. */
  set<const Name extends NameOfKind<Api, "keyed">>(
    name: Name,
    key: string,
    data: DataNamed<Api, Name>,
    options?: RequestOptions,
  ): Promise<Published>;
  /** Removes a key of a keyed topic. Rejects like `publish`. */
  remove(name: NameOfKind<Api, "keyed">, key: string, options?: RequestOptions): Promise<Published>;

  /**
   * Calls a method and resolves with its result.
   *
   * @throws LongwireError as a rejection, like `publish`; without an idempotency key, `unconfirmed`
   *   as soon as the connection on which it was sent is lost
   */
  call<const Name extends keyof MethodsOf<Api> & string>(
    name: Name,
    ...args: undefined extends InputOf<MethodsOf<Api>[Name]>
      ? [params?: InputOf<MethodsOf<Api>[Name]>, options?: RequestOptions]
      : [params: InputOf<MethodsOf<Api>[Name]>, options?: RequestOptions]
  ): Promise<ResultOf<MethodsOf<Api>[Name]>>;

  /** Reconnects now: after `refused`, to use another token, or to skip the backoff. */
  reconnect(): void;
  /**
   * Closes the client permanently: iterations end, and unanswered requests reject with `closed`.
   */
  close(): void;
}
