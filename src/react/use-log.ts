import { useState } from "react";
import {
  logFeedFinder,
  logSource,
  NO_ITEMS,
  type LogName,
  type LogOptions,
  type LogView,
} from "../bindings/index.ts";
import type { DataNamed, Live, LiveApi, ParamsNamed } from "../live/client/index.ts";
import { useSource } from "./use-source.ts";

/**
 * Collects the events of a log topic, from those that `from` names on, while the component is mounted:
 * the newest 1,000, or `limit`. Rerenders once per turn of the event loop.
 *
 * A page rendered on a server shows no events.
 *
 * @param params narrows the topic; equal params may be a new object in each render
 * @param options the values of the first render with a topic count
 * @throws LongwireError `invalid_option` for a limit that is not an integer from 1
 */
export function useLog<Api extends LiveApi, const Name extends LogName<Api>>(
  live: Live<Api>,
  name: Name,
  params?: ParamsNamed<Api, Name>,
  options: LogOptions = {},
): LogView<DataNamed<Api, Name>> {
  const [find] = useState(logFeedFinder);
  const feed = find(live, name, params, options);
  return useSource<LogView<DataNamed<Api, Name>>>(
    feed,
    (previous) => logSource(feed, options, previous),
    NO_ITEMS,
  );
}
