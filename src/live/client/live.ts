import type { Offset } from "../../topics/index.ts";
import type { InputOf, LiveApi, MethodsOf, ResultOf, TopicName } from "../live-api.ts";
import type { Feed } from "./feed.ts";
import type { LiveStatus } from "./status.ts";
import type { DataNamed, ItemNamed, KeyedItem, NameOfKind, ParamsNamed } from "./topic-items.ts";

/** A publish that is in the log. */
export interface Published {
  readonly offset: Offset;
  /** Whether an earlier one with the same idempotency key is what counts. */
  readonly duplicate: boolean;
}

export interface RequestOptions {
  /**
   * What the server knows a repetition by, 1 to 255 characters. A publish has one of its own if
   * none is given; a call has none, and is not repeated then.
   */
  idempotencyKey?: string;
}

/** What the server says of who is subscribed: what it describes, and since when (Unix ms). */
export type Presence = Readonly<Record<string, unknown>> & { readonly since: number };

/** A client of a live server. `Api` is the type of the server's declaration. */
export interface Live<Api extends LiveApi = LiveApi> {
  readonly status: LiveStatus;
  /**
   * Calls `listener` with every status that follows the present one.
   *
   * @returns a function that stops it
   */
  onStatus(listener: (status: LiveStatus) => void): () => void;

  /** A topic's feed. Those with equal name and params share one subscription. */
  topic<const Name extends TopicName<Api>>(
    name: Name,
    params?: ParamsNamed<Api, Name>,
  ): Feed<ItemNamed<Api, Name>, DataNamed<Api, Name>>;
  /** Who is subscribed to a topic that is declared with presence. */
  presence(name: TopicName<Api>): Feed<KeyedItem<Presence>, Presence>;

  /**
   * Appends an event to a log topic. Kept and repeated over lost connections until it is answered.
   *
   * @throws LongwireError as a rejection: the server's code; `unconfirmed` if it was sent and not
   *   answered for 4.5 minutes; `queue_full`; `too_large`; `refused`; `closed`
   */
  publish<const Name extends NameOfKind<Api, "log">>(
    name: Name,
    data: DataNamed<Api, Name>,
    options?: RequestOptions,
  ): Promise<Published>;
  /** Sets a key of a keyed topic. As `publish`. */
  set<const Name extends NameOfKind<Api, "keyed">>(
    name: Name,
    key: string,
    data: DataNamed<Api, Name>,
    options?: RequestOptions,
  ): Promise<Published>;
  /** Removes a key of a keyed topic. As `publish`. */
  remove(name: NameOfKind<Api, "keyed">, key: string, options?: RequestOptions): Promise<Published>;

  /**
   * Asks the server to do something, and resolves with its answer.
   *
   * @throws LongwireError as a rejection, as of `publish`; without an idempotency key
   *   `unconfirmed` as soon as the connection is lost on which it was sent
   */
  call<const Name extends keyof MethodsOf<Api> & string>(
    name: Name,
    ...args: undefined extends InputOf<MethodsOf<Api>[Name]>
      ? [params?: InputOf<MethodsOf<Api>[Name]>, options?: RequestOptions]
      : [params: InputOf<MethodsOf<Api>[Name]>, options?: RequestOptions]
  ): Promise<ResultOf<MethodsOf<Api>[Name]>>;

  /** Connects anew now: after `refused`, with another token, or instead of waiting. */
  reconnect(): void;
  /** Ends it for good: iterations end, and what is unanswered is rejected with `closed`. */
  close(): void;
}
