import type { Offset, Position } from "../../../topics/index.ts";
import type { LiveApi } from "../../live-api.ts";
import type { MessageOf } from "../../wire/index.ts";
import type { Client } from "../connect.ts";
import type { DataNamed, NameOfKind, ParamsNamed } from "../feed/topic-items.ts";
import type { Live } from "../live.ts";
import { randomKey } from "../requests/random-key.ts";

export interface HistoryOptions<Params = Readonly<Record<string, unknown>>> {
  /** Narrows the events, as in `live.topic`. Default: all events. */
  readonly params?: Params | undefined;
  /**
   * The events before this position, whose epoch is that of the feed's `position`. Default: the
   * newest events.
   */
  readonly before?: Position | undefined;
  /** The most events, 1 to 1,000. Default 1,000. The server sends fewer if they are long. */
  readonly last?: number | undefined;
}

/** A page of a log topic's past. */
export interface HistoryPage<Data = unknown> {
  readonly epoch: string;
  /** Oldest first. */
  readonly events: readonly { readonly offset: Offset; readonly data: Data }[];
  /** Whether older events are kept; the page before this one is before its first event. */
  readonly more: boolean;
}

/**
 * Reads a page of a log topic's kept events. Pages join without a hole or a repetition: ask for the
 * events before the oldest one that you have. If the topic has another epoch than `before`, the
 * page is empty.
 *
 * It is repeated over lost connections until it is answered.
 *
 * @param live what `connect` returned
 * @throws LongwireError as a rejection, like `publish`: `forbidden`, `bad_request` for a keyed topic,
 *   `unsupported` by an older server
 */
export async function history<Api extends LiveApi, const Name extends NameOfKind<Api, "log">>(
  live: Live<Api>,
  name: Name,
  { params, before, last }: HistoryOptions<ParamsNamed<Api, Name>> = {},
): Promise<HistoryPage<DataNamed<Api, Name>>> {
  const client = live as unknown as Client;
  const id = client.newId();
  // With a key, it is repeated: reading twice does no harm.
  const about = { params, before, last, idempotencyKey: randomKey() };
  const request = { type: "history", id, topic: name, ...about };
  const answer = (await client.requests.ask(request, "history")) as MessageOf<"history">;
  const { epoch, events, more } = answer;
  return { epoch, events, more } as HistoryPage<DataNamed<Api, Name>>;
}
