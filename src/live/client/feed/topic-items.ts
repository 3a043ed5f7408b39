import type { Offset } from "../../../topics/index.ts";
import type { DataOf, LiveApi, NamesOf, ParamsOf, TopicNamed, TopicsOf } from "../../live-api.ts";

/** An item of a log topic. */
export type LogItem<Data> =
  | { readonly type: "event"; readonly offset: Offset; readonly data: Data }
  /** Events from `from` to `to`, inclusive, are lost. */
  | {
      readonly type: "gap";
      readonly from: Offset;
      readonly to: Offset;
      /** No longer retained; not read in time; or the log was replaced. */
      readonly reason: "expired" | "slow" | "epoch";
    };

/** An item of a keyed topic. */
export type KeyedItem<Data> =
  | { readonly type: "set"; readonly key: string; readonly data: Data; readonly offset: Offset }
  | { readonly type: "removed"; readonly key: string; readonly offset: Offset };

/** Any item, as handled inside the client. */
export type Item = LogItem<unknown> | KeyedItem<unknown>;

/** The item type of a topic with this declaration. */
export type ItemOf<Declaration> = Declaration extends { kind: "log" }
  ? LogItem<DataOf<Declaration>>
  : Declaration extends { kind: "keyed" }
    ? KeyedItem<DataOf<Declaration>>
    : never;

/** The possible names of an API's topics of one kind. */
export type NameOfKind<Api extends LiveApi, Kind extends "log" | "keyed"> = NamesOf<
  Extract<TopicsOf<Api>, { kind: Kind }>["name"]
>;

export type DataNamed<Api extends LiveApi, Name extends string> = DataOf<TopicNamed<Api, Name>>;
export type ItemNamed<Api extends LiveApi, Name extends string> = ItemOf<TopicNamed<Api, Name>>;
export type ParamsNamed<Api extends LiveApi, Name extends string> = ParamsOf<TopicNamed<Api, Name>>;
