import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { Ajv, type AnySchemaObject } from "ajv";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import {
  asyncApiDocument,
  clientMethod,
  keyedTopic,
  logTopic,
  method,
} from "../../../src/live/index.ts";

const specs = createRequire(import.meta.url).resolve(
  "@asyncapi/specs/schemas/3.0.0-without-$id.json",
);
const schema = JSON.parse(readFileSync(specs, "utf8")) as AnySchemaObject;
const isAsyncApi = new Ajv({ strict: false, validateFormats: false }).compile(schema);

const info = { title: "Lab", version: "2.1.0", url: "wss://lab.example:8443/live" };
const device = v.object({ name: v.string(), deviceType: v.picklist(["AP", "FCM"]) });
const api = {
  topics: [
    keyedTopic("devices/:site/:floor", {
      data: toStandardJsonSchema(device),
      params: toStandardJsonSchema(v.object({ deviceType: v.optional(v.string()) })),
      clientPublish: true,
    }),
    logTopic("news", {
      data: v.object({ headline: v.string() }),
      presence: { data: toStandardJsonSchema(v.object({ status: v.string() })) },
    }),
  ],
  methods: {
    reboot: method({
      params: toStandardJsonSchema(v.object({ device: v.string() })),
      handle: () => true,
    }),
  },
  clientMethods: { measure: clientMethod() },
};

interface Document {
  channels: Record<
    string,
    {
      address: string;
      parameters?: object;
      messages: Record<string, { payload: object }>;
      bindings: { ws: { query?: object } };
    }
  >;
  operations: Record<string, { action: string; reply?: object; messages: { $ref: string }[] }>;
  servers: object;
}

describe("asyncApiDocument", () => {
  const document = asyncApiDocument(api, info) as unknown as Document;

  test("is valid according to AsyncAPI's own schema, version 3.0.0", () => {
    expect(isAsyncApi(document), JSON.stringify(isAsyncApi.errors)).toBe(true);
    expect(isAsyncApi({ ...document, asyncapi: "2.0.0" })).toBe(false);
  });

  test("describes the offers of clients, and updates of presence", () => {
    const { messages } = document.channels["requests"]!;
    expect(messages["offers"]?.payload).toMatchObject({
      required: ["type", "id", "methods"],
      properties: { type: { const: "offers" }, methods: { items: { enum: ["measure"] } } },
    });
    expect(messages["news_presence"]?.payload).toMatchObject({
      required: ["type", "id", "topic"],
      properties: {
        type: { const: "publish" },
        topic: { const: "news/$presence" },
        data: { required: ["status"] },
      },
    });
  });

  test("is valid for an empty API", () => {
    expect(isAsyncApi(asyncApiDocument({ topics: [] }, info))).toBe(true);
  });

  test("describes a topic as a channel at its address, with the pattern's parameters", () => {
    expect(document.channels["devices__site__floor"]).toMatchObject({
      address: "/live/devices/{site}/{floor}",
      parameters: { site: {}, floor: {} },
    });
    expect(document.channels["news"]!.parameters).toBeUndefined();
    expect(document.servers).toEqual({ live: { host: "lab.example:8443", protocol: "wss" } });
  });

  test("describes where a reader of a log topic may begin, and of no other", () => {
    const queryOf = (name: string): unknown => document.channels[name]!.bindings.ws.query;
    expect(queryOf("news")).toMatchObject({ properties: { last: {}, sinceMs: {} } });
    expect(queryOf("devices__site__floor")).toBeUndefined();
  });

  test("includes the schemas of data and params; a schema that cannot be converted accepts anything", () => {
    const { data, params } = document.channels["devices__site__floor"]!.messages;
    const [shape, removal] = (data!.payload as { anyOf: object[] }).anyOf;
    expect(shape).toMatchObject({ properties: { deviceType: { enum: ["AP", "FCM"] } } });
    expect(shape).not.toHaveProperty("$schema");
    expect(removal).toMatchObject({ required: ["removed"] });
    expect(params!.payload).toMatchObject({ properties: { deviceType: { type: "string" } } });
    expect(document.channels["news"]!.messages["data"]!.payload).toEqual({});
  });

  test("describes what clients may publish and call as operations with a reply, and nothing else", () => {
    const withReply = Object.entries(document.operations).filter(([, { reply }]) => reply);
    expect(withReply.map(([name]) => name)).toEqual([
      "devices__site__floor_publish",
      "news_presence",
      "call_reboot",
      "offers",
      "ask_measure",
    ]);
    expect(document.operations["ask_measure"]).toMatchObject({ action: "send" });
    const { messages } = document.channels["requests"]!;
    expect(messages["call_reboot"]!.payload).toMatchObject({
      required: ["type", "id", "method", "params"],
      properties: { method: { const: "reboot" }, params: { required: ["device"] } },
    });
    expect(messages["ask_measure"]!.payload).toMatchObject({
      required: ["type", "id", "method", "deadline"],
      properties: { command: { type: "string" } },
    });
  });

  test("contains only references that resolve", () => {
    const references = JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g);
    for (const [, path] of references) {
      const found = path!
        .split("/")
        .reduce<unknown>((at, part) => (at as Record<string, unknown>)?.[part], document);
      expect(found, path).toBeDefined();
    }
  });
});
