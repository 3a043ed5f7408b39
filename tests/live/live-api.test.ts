import * as v from "valibot";
import { expect, expectTypeOf, test } from "vitest";
import { keyedTopic, logTopic, matchFields, type AccessRequest } from "../../src/live/index.ts";
import {
  method,
  type DataOf,
  type InputOf,
  type NamesOf,
  type ParamsOf,
  type ResultOf,
  type TopicName,
  type TopicNamed,
} from "../../src/live/live-api.ts";

const api = {
  topics: [
    logTopic("news", { data: v.object({ headline: v.string() }) }),
    keyedTopic("devices/:site", {
      data: v.object({ name: v.string() }),
      params: v.object({ deviceType: v.optional(v.string()) }),
      match: (params, event) => params.deviceType === event.data.name,
      authorize: ({ identity, params }: AccessRequest<{ site: string }>) =>
        identity.site === params["site"],
    }),
  ],
  methods: {
    reboot: method({
      params: v.object({ device: v.string() }),
      handle: ({ device }) => ({ rebooted: device }),
    }),
  },
} as const;

test("one declaration determines the types of names, data, params, calls and results", () => {
  expectTypeOf<NamesOf<"a/:b/c/:d">>().toEqualTypeOf<`a/${string}/c/${string}`>();
  expectTypeOf<TopicName<typeof api>>().toEqualTypeOf<"news" | `devices/${string}`>();
  type Devices = TopicNamed<typeof api, "devices/lab">;
  expectTypeOf<Devices["kind"]>().toEqualTypeOf<"keyed">();
  expectTypeOf<DataOf<Devices>>().toEqualTypeOf<{ name: string }>();
  expectTypeOf<ParamsOf<Devices>>().toEqualTypeOf<{ deviceType?: string | undefined }>();
  expectTypeOf<InputOf<typeof api.methods.reboot>>().toEqualTypeOf<{ device: string }>();
  expectTypeOf<ResultOf<typeof api.methods.reboot>>().toEqualTypeOf<{ rebooted: string }>();
  const filtered = keyedTopic("rooms", {
    match: matchFields,
    data: v.object({ name: v.string() }),
  });
  expectTypeOf<DataOf<typeof filtered>>().toEqualTypeOf<{ name: string }>();
  expect(api.topics.map(({ name }) => name)).toEqual(["news", "devices/:site"]);
});
