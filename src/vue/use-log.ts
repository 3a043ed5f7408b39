import { computed, shallowRef, toValue, type MaybeRefOrGetter, type Ref } from "vue";
import {
  logFeedFinder,
  logSource,
  NO_ITEMS,
  type LogEvent,
  type LogName,
  type LogOptions,
  type LogView as LogSnapshot,
} from "../bindings/index.ts";
import type {
  DataNamed,
  FeedStatus,
  Live,
  LiveApi,
  LogItem,
  ParamsNamed,
} from "../live/client/index.ts";
import { followSource } from "./follow-source.ts";
import { isRenderedOnServer } from "./is-rendered-on-server.ts";

/** The newest events of a log topic in a component. Each change creates new arrays. */
export interface LogView<Data> {
  /** The newest events, oldest first, and at its place each gap: events that are lost. */
  readonly items: Readonly<Ref<readonly LogItem<Data>[]>>;
  /** The same without the gaps. */
  readonly events: Readonly<Ref<readonly LogEvent<Data>[]>>;
  readonly status: Readonly<Ref<FeedStatus>>;
  /**
   * Why the topic is `refused` or has `ended`: a LongwireError with the server's code; or
   * `not_a_log` for a keyed topic.
   */
  readonly error: Readonly<Ref<Error | undefined>>;
  /** Whether the items are those of the previous topic. Only with `keepPrevious`. */
  readonly isPrevious: Readonly<Ref<boolean>>;
}

/**
 * Collects the events of a log topic, from those that `from` names on, while the component or effect
 * scope that uses it exists: the newest 1,000, or `limit`. Updates once per turn of the event loop.
 *
 * A page rendered on a server shows no events.
 *
 * @param name the topic's name; if it is a ref or a getter, a new name switches to another topic
 * @param params narrows the topic; a ref or a getter likewise
 * @throws LongwireError `invalid_option` for a limit that is not an integer from 1
 */
export function useLog<Api extends LiveApi, const Name extends LogName<Api>>(
  live: Live<Api>,
  name: MaybeRefOrGetter<Name>,
  params?: MaybeRefOrGetter<ParamsNamed<Api, Name> | undefined>,
  options: LogOptions = {},
): LogView<DataNamed<Api, Name>> {
  type Data = DataNamed<Api, Name>;
  const view = shallowRef<LogSnapshot<Data>>(NO_ITEMS);
  if (!isRenderedOnServer()) {
    const find = logFeedFinder();
    followSource(
      () => find(live, toValue(name), toValue(params), options),
      (feed, previous: LogSnapshot<Data> | undefined) => logSource(feed, options, previous),
      (next) => (view.value = next),
    );
  }
  return {
    items: computed(() => view.value.items),
    events: computed(() => view.value.events),
    status: computed(() => view.value.status),
    error: computed(() => view.value.error),
    isPrevious: computed(() => view.value.isPrevious),
  };
}
