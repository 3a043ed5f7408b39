import { presenceOf, type TopicDeclaration } from "../../topics/index.ts";
import type { ClientMethodDeclaration, LiveApi, MethodDeclaration } from "../live-api.ts";
import { SUBPROTOCOL } from "../wire/subprotocol.ts";
import { jsonSchemaOf, type JsonSchema } from "./json-schema.ts";

export interface AsyncApiInfo {
  /** The API's name. */
  title: string;
  /** The API's own version, such as `1.0.0`. */
  version: string;
  /** The server's URL, including the path at which the live endpoint is mounted. */
  url: string;
}

/** An AsyncAPI 3.0 document, to be serialized as JSON. (asyncapi.com) */
export type AsyncApiDocument = Readonly<Record<string, unknown>>;

type Part = Record<string, unknown>;

/**
 * Describes a live server's API: a channel per topic, as any WebSocket client can use it (Level 0),
 * and one for the requests of Level 1.
 *
 * @throws TypeError if `url` is not a URL
 */
export function asyncApiDocument(api: LiveApi, info: AsyncApiInfo): AsyncApiDocument {
  const { protocol, host, pathname } = new URL(info.url);
  const mount = pathname.replace(/\/$/, "");
  const topics = api.topics.map((declaration) => topicParts(declaration, mount));
  const methods = Object.entries(api.methods ?? {}).map(([name, declared]) =>
    methodParts(name, declared),
  );
  const asked = Object.entries(api.clientMethods ?? {}).map(([name, declared]) =>
    clientMethodParts(name, declared),
  );
  const offers = asked.length > 0 ? [offersParts(Object.keys(api.clientMethods ?? {}))] : [];
  const requests = [...topics.flatMap(({ requests }) => requests), ...methods, ...offers, ...asked];
  const channels = Object.assign({}, ...topics.map(({ channels }) => channels)) as Part;
  const operations = Object.assign(
    {},
    ...topics.map(({ operations }) => operations),
    ...requests.map(({ operations }) => operations),
  ) as Part;
  const messages = Object.assign({}, ...requests.map(({ messages }) => messages)) as Part;
  return {
    asyncapi: "3.0.0",
    info: { title: info.title, version: info.version },
    defaultContentType: "application/json",
    servers: { live: { host, protocol: protocol.replace(":", "") } },
    channels: {
      ...channels,
      ...(requests.length > 0 && { requests: requestChannel(mount, messages) }),
    },
    operations,
  };
}

/** The document parts of a Level 1 request: its message, its answer, and their operation. */
interface RequestParts {
  messages: Part;
  operations: Part;
}

interface TopicParts {
  channels: Part;
  operations: Part;
  requests: RequestParts[];
}

/** The query names that say where a reader of a log topic begins. */
const STARTING_QUERY: JsonSchema = {
  type: "object",
  properties: {
    last: {
      description: "Begins with the newest events, at most so many, or with all that are kept.",
      anyOf: [{ type: "integer", minimum: 0 }, { const: "all" }],
    },
    sinceMs: {
      description: "Begins with the events that are at most this old, in milliseconds.",
      type: "integer",
      minimum: 0,
    },
  },
};

function topicParts(declaration: TopicDeclaration, mount: string): TopicParts {
  const { name, kind } = declaration;
  const id = idOf(name);
  const data = jsonSchemaOf(declaration.data);
  const removal = {
    type: "object",
    required: ["removed"],
    properties: { removed: { type: "string" } },
  };
  const payload = kind === "keyed" ? { anyOf: [data, removal] } : data;
  const channel = {
    address: `${mount}/${name.replaceAll(/:(\w+)/g, "{$1}")}`,
    title: name,
    description:
      kind === "keyed"
        ? 'The newest value of each key: first the current state, then each change. A removed key is sent as {"removed": key}.'
        : "Each new event.",
    ...parametersOf(name),
    messages: {
      data: { name: "data", payload },
      params: { name: "params", payload: { type: "object", ...jsonSchemaOf(declaration.params) } },
    },
    bindings: { ws: { method: "GET", ...(kind === "log" && { query: STARTING_QUERY }) } },
  };
  const at = `#/channels/${id}`;
  const operations = {
    [`${id}_data`]: {
      action: "send",
      summary: `Data from ${name}.`,
      channel: { $ref: at },
      messages: [{ $ref: `${at}/messages/data` }],
    },
    [`${id}_params`]: {
      action: "receive",
      summary: "The first message, which narrows the topic; {} for everything.",
      channel: { $ref: at },
      messages: [{ $ref: `${at}/messages/params` }],
    },
  };
  const requests = declaration.clientPublish === true ? [publishParts(declaration, data)] : [];
  const { presence } = declaration;
  const update = typeof presence === "object" ? presence.data : undefined;
  if (update !== undefined) requests.push(presenceParts(declaration, jsonSchemaOf(update)));
  return { channels: { [id]: channel }, operations, requests };
}

function publishParts({ name, kind }: TopicDeclaration, data: JsonSchema): RequestParts {
  const topic = name.includes(":") ? { type: "string" } : { const: name };
  const key = kind === "keyed" && { key: { type: "string" }, remove: { const: true } };
  return requestParts(`${idOf(name)}_publish`, {
    summary: `Publish to ${name}.`,
    type: "publish",
    fields: { topic, ...key, data, idempotencyKey: { type: "string" } },
    required: kind === "keyed" ? ["topic", "key"] : ["topic", "data"],
    answer: PUBLISHED,
  });
}

function presenceParts({ name }: TopicDeclaration, data: JsonSchema): RequestParts {
  const isPattern = name.includes(":");
  const topic = isPattern ? { type: "string" } : { const: presenceOf(name) };
  return requestParts(`${idOf(name)}_presence`, {
    summary: `Update the sender's own fields in the presence of ${name}.`,
    type: "publish",
    fields: { topic, data, remove: { const: true } },
    required: ["topic"],
    answer: PUBLISHED,
  });
}

function methodParts(name: string, { params }: MethodDeclaration): RequestParts {
  return requestParts(`call_${idOf(name)}`, {
    summary: `Call ${name}.`,
    type: "call",
    fields: {
      method: { const: name },
      params: jsonSchemaOf(params),
      idempotencyKey: { type: "string" },
    },
    required: params === undefined ? ["method"] : ["method", "params"],
    answer: { type: { const: "result" }, data: {} },
  });
}

function offersParts(methods: string[]): RequestParts {
  const names = { type: "array", items: { enum: methods } };
  return requestParts("offers", {
    summary: "Offer the methods that this client answers; replaces what it has offered before.",
    type: "offers",
    fields: {
      methods: names,
      run: {
        type: "string",
        description: "The client's run, which remembers the commands that it has begun.",
      },
    },
    required: ["methods"],
    answer: { type: { const: "offered" }, methods: names },
  });
}

function clientMethodParts(
  name: string,
  { params, result }: ClientMethodDeclaration,
): RequestParts {
  return requestParts(`ask_${idOf(name)}`, {
    action: "send",
    summary: `Ask a client that offers ${name}.`,
    type: "request",
    fields: {
      method: { const: name },
      params: jsonSchemaOf(params),
      deadline: { type: "number", description: "How long the server waits, in milliseconds." },
      command: {
        type: "string",
        description: "The key of a command, which is carried out once, however often it is sent.",
      },
    },
    required: params === undefined ? ["method", "deadline"] : ["method", "params", "deadline"],
    answer: {
      type: { const: "response" },
      data: jsonSchemaOf(result),
      error: {
        type: "object",
        required: ["code", "message"],
        properties: { code: { type: "string" }, message: { type: "string" } },
      },
    },
  });
}

const PUBLISHED: Part = {
  type: { const: "published" },
  topic: { type: "string" },
  offset: { type: "integer" },
  duplicate: { type: "boolean" },
};

interface RequestForm {
  /** Whether the server receives or sends the request. Default `receive`. */
  action?: "receive" | "send";
  summary: string;
  type: string;
  fields: Part;
  required: string[];
  answer: Part;
}

function requestParts(id: string, request: RequestForm): RequestParts {
  const requestId = { id: { type: ["string", "integer"] } };
  const at = "#/channels/requests";
  const properties = { type: { const: request.type }, ...requestId, ...request.fields };
  const answered = { ...request.answer, ...requestId };
  return {
    messages: {
      [id]: {
        name: id,
        payload: { type: "object", required: ["type", "id", ...request.required], properties },
      },
      [`${id}_answer`]: {
        name: `${id}_answer`,
        payload: { type: "object", required: ["type", "id"], properties: answered },
      },
    },
    operations: {
      [id]: {
        action: request.action ?? "receive",
        summary: request.summary,
        channel: { $ref: at },
        messages: [{ $ref: `${at}/messages/${id}` }],
        reply: { channel: { $ref: at }, messages: [{ $ref: `${at}/messages/${id}_answer` }] },
      },
    },
  };
}

function requestChannel(mount: string, messages: Part): Part {
  return {
    address: mount === "" ? "/" : mount,
    title: "Requests",
    description: `Any number of topics, publishes and calls on one connection: the subprotocol ${SUBPROTOCOL}.`,
    messages,
    bindings: {
      ws: {
        method: "GET",
        headers: {
          type: "object",
          properties: { "Sec-WebSocket-Protocol": { const: SUBPROTOCOL } },
        },
      },
    },
  };
}

function parametersOf(name: string): Part {
  const parameters = [...name.matchAll(/:(\w+)/g)].map(([, parameter]) => [parameter, {}]);
  return parameters.length === 0 ? {} : { parameters: Object.fromEntries(parameters) as Part };
}

/** Converts a name to an identifier in the document: letters, digits and underscores. */
function idOf(name: string): string {
  return name.replaceAll(/\W/g, "_");
}
