import type { Params } from "../../topics/index.ts";
import type { LiveApi } from "../live-api.ts";
import { Link, type LinkOwner } from "./link/link.ts";
import type { Live, Published, RequestOptions } from "./live.ts";
import { presenceOf } from "./presence-of.ts";
import { settingsOf, type ConnectOptions, type Settings } from "./options.ts";
import { addListener } from "./report.ts";
import type { Answers } from "./answering/answers.ts";
import type { PresenceUpdates } from "./presence/presence-updates.ts";
import { randomKey } from "./requests/random-key.ts";
import { Requests } from "./requests/requests.ts";
import type { MessageOf } from "../wire/index.ts";
import { worstOf, type LiveStatus } from "./status.ts";
import type { TopicOptions } from "./feed/feed.ts";
import { TopicFeed, type FeedHost } from "./feed/topic-feed.ts";

/**
 * Connects to a live server immediately, and reconnects until `close()`.
 *
 * @param url the live server's URL, with `ws:` or `wss:`. In a page it may be relative, such as
 *   `/live`, and is resolved against the page's URL; in Node, a relative URL throws a SyntaxError
 * @throws LongwireError `no_web_socket`, and what `new WebSocket(url)` throws
 */
export function connect<Api extends LiveApi = LiveApi>(
  url: string,
  options: ConnectOptions = {},
): Live<Api> {
  return new Client(settingsOf(url, options)) as unknown as Live<Api>;
}

/** Implements `live.ts`, which has the types of names, data and params. */
export class Client implements FeedHost, LinkOwner {
  readonly settings: Settings;
  /**
   * The first one carries the requests; the others carry topics that the ones before already have.
   */
  readonly #links: [Link, ...Link[]];
  readonly requests: Requests;
  /** Set by `handle`, which only programs that answer requests import. */
  answers: Answers | undefined;
  /** Set by `updatePresence`, which few programs import. */
  updates: PresenceUpdates | undefined;
  /** All feeds that are still referenced, even without readers, by name and params. */
  readonly #feeds = new Map<string, WeakRef<TopicFeed>>();
  readonly #listeners = new Set<(status: LiveStatus) => void>();
  readonly #stopListening: () => void;
  #ids = 0;
  #status: LiveStatus = { state: "connecting" };

  constructor(settings: Settings) {
    this.settings = settings;
    const first = new Link(this);
    this.#links = [first];
    this.requests = new Requests(settings, first);
    first.connect();
    this.#stopListening = settings.page.listen((event) => {
      for (const link of this.#links) link.onPage(event);
      this.requests.onPage(event);
    });
  }

  get status(): LiveStatus {
    return this.#status;
  }

  /** The link that carries requests. */
  get link(): Link {
    return this.#links[0];
  }

  onStatus(listener: (status: LiveStatus) => void): () => void {
    return addListener(this.#listeners, listener);
  }

  topic(name: string, params?: Params, options: TopicOptions = {}): TopicFeed {
    const { from, maxPerSecond } = options;
    const json = canonicalJson(params);
    const paramsName = json === "{}" ? "" : ` ${json}`;
    const rest = from || maxPerSecond ? ` ${JSON.stringify({ from, maxPerSecond })}` : "";
    const fullName = name + paramsName + rest;
    // Kept events are sent to the feed's first reader, so others need a feed of their own.
    const known = from ? undefined : this.#feeds.get(fullName)?.deref();
    if (known) return known;
    // A copy, because the caller may change its object later.
    const own = paramsName ? (JSON.parse(json) as Params) : undefined;
    const feed = new TopicFeed(this, name, {
      params: own,
      options: { from, maxPerSecond },
      fullName,
    });
    if (from) return feed;
    for (const [name, other] of this.#feeds) if (!other.deref()) this.#feeds.delete(name);
    this.#feeds.set(fullName, new WeakRef(feed));
    return feed;
  }

  presence(name: string): TopicFeed {
    return this.topic(presenceOf(name));
  }

  publish(topic: string, data: unknown, options?: RequestOptions): Promise<Published> {
    return this.#publish({ topic, data }, options);
  }

  set(topic: string, key: string, data: unknown, options?: RequestOptions): Promise<Published> {
    return this.#publish({ topic, key, data }, options);
  }

  remove(topic: string, key: string, options?: RequestOptions): Promise<Published> {
    return this.#publish({ topic, key, remove: true }, options);
  }

  async call(method: string, params?: unknown, options: RequestOptions = {}): Promise<unknown> {
    const { idempotencyKey } = options;
    const request = { type: "call", id: this.newId(), method, params, idempotencyKey };
    return ((await this.requests.ask(request)) as MessageOf<"result">).data;
  }

  reconnect(): void {
    for (const link of this.#links) link.connect();
  }

  close(): void {
    this.#stopListening();
    // A copy, because a link without feeds removes itself from the list.
    for (const link of this.#links.slice()) link.close();
  }

  onSubscribed(name: string): void {
    this.updates?.onSubscribed(name);
  }

  attach(feed: TopicFeed): Link {
    let link = this.#links.find(({ feeds }) => !feeds.has(feed.name));
    if (link === undefined) {
      link = new Link(this);
      this.#links.push(link);
      link.connect();
    }
    link.feeds.set(feed.name, feed);
    return link;
  }

  detach(feed: TopicFeed, link: Link): void {
    link.feeds.delete(feed.name);
    const at = this.#links.indexOf(link);
    if (at > 0 && link.feeds.size === 0) {
      this.#links.splice(at, 1);
      link.close();
    }
    this.onFeedChanged();
  }

  newId(): number {
    this.#ids += 1;
    return this.#ids;
  }

  onLinkChanged(link: Link, wasOpen: boolean): void {
    if (link === this.#links[0]) {
      this.requests.onLinkChanged(wasOpen);
      this.answers?.onLinkChanged(wasOpen);
    }
    this.onFeedChanged();
  }

  onFeedChanged(): void {
    const status = worstOf(this.#links.map((link) => link.status));
    if (JSON.stringify(status) === JSON.stringify(this.#status)) return;
    this.#status = status;
    for (const listener of this.#listeners) {
      // A listener may have changed the status, and the others have already been notified of that.
      if (this.#status === status) listener(status);
    }
  }

  async #publish(
    message: { topic: string; key?: string; data?: unknown; remove?: true },
    { idempotencyKey = randomKey() }: RequestOptions = {},
  ): Promise<Published> {
    const request = { type: "publish", id: this.newId(), ...message, idempotencyKey };
    const answer = await this.requests.ask(request);
    const { offset, duplicate } = answer as MessageOf<"published">;
    return { offset, duplicate };
  }
}

/** Returns the same text for equal params. */
function canonicalJson(params: Params = {}): string {
  const names: string[] = [];
  JSON.stringify(params, (name, value: unknown) => {
    names.push(name);
    return value;
  });
  // As the replacer, the list of names also sets their order at every depth.
  return JSON.stringify(params, names.sort());
}
