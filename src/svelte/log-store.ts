import { derived } from "svelte/store";
import {
  logFeedFinder,
  logSource,
  NO_ITEMS,
  type LogName,
  type LogOptions,
  type LogView,
} from "../bindings/index.ts";
import type { DataNamed, Feed, Live, LiveApi, LogItem, ParamsNamed } from "../live/client/index.ts";
import { storeOf, type MaybeStore } from "./maybe-store.ts";
import type { Readable } from "./readable.ts";
import { sourceStore } from "./source-store.ts";

/**
 * Returns a store that collects the events of a log topic, from those that `from` names on,
 * while it has subscribers: the newest 1,000, or `limit`. It changes once per turn of the event loop.
 *
 * A page rendered on a server shows no events.
 *
 * @param name the topic's name; if it is a store, a new name switches to another topic
 * @param params narrows the topic; a store likewise, such as `toStore(() => ({ level }))`
 * @throws LongwireError `invalid_option`, when it is subscribed to, for a limit that is not an
 *   integer from 1
 */
export function logStore<Api extends LiveApi, const Name extends LogName<Api>>(
  live: Live<Api>,
  name: MaybeStore<Name>,
  params?: MaybeStore<ParamsNamed<Api, Name> | undefined>,
  options: LogOptions = {},
): Readable<LogView<DataNamed<Api, Name>>> {
  type Data = DataNamed<Api, Name>;
  const find = logFeedFinder();
  const found = derived([storeOf(name), storeOf(params)], ([name, params]) =>
    find(live, name, params, options),
  );
  return sourceStore<Feed<LogItem<Data>, unknown>, LogView<Data>>(
    found,
    (feed, previous) => logSource(feed, options, previous),
    NO_ITEMS,
  );
}
