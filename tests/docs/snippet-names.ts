import { readFileSync } from "node:fs";

/**
 * What the code blocks of the docs use without declaring it, because an earlier block or the reader's
 * own program has it. A page's own entry goes first.
 */
export const snippetNames: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "": {
    // imports that an earlier block of the page shows
    createServer: `import { createServer } from "node:http";`,
    readFile: `import { readFile } from "node:fs/promises";`,
    WebSocketServer: `import { WebSocketServer } from "longwire/server";`,
    LiveServer: `import { LiveServer } from "longwire/live";`,
    keyedTopic: `import { keyedTopic } from "longwire/live";`,
    matchFields: `import { matchFields } from "longwire/live";`,
    RedisBroker: `import { RedisBroker } from "longwire/brokers/redis";`,
    DiskBroker: `import { DiskBroker } from "longwire/brokers/disk";`,
    NatsBroker: `import { NatsBroker } from "longwire/brokers/nats";`,
    openWebSocket: `import { openWebSocket } from "longwire/client";`,
    connect: `import { connect } from "longwire/live/client";`,
    // what the reader has
    app: `declare const app: import("node:http").RequestListener;`,
    broker: `declare const broker: import("longwire/brokers").Broker;`,
    topics: `declare const topics: import("longwire/live").TopicDeclaration[];`,
    server: `declare const server: import("longwire/server").WebSocketServer;`,
    endpoint: `declare const endpoint: import("longwire/server").Endpoint;`,
    pages: `declare const pages: import("longwire/server").Endpoint;`,
    devices: `declare const devices: import("longwire/server").Endpoint;`,
    onMessage: `declare const onMessage: NonNullable<import("longwire/server").Endpoint["onMessage"]>;`,
    IncomingMessage: `import type { IncomingMessage } from "node:http";`,
    ServerResponse: `import type { ServerResponse } from "node:http";`,
    Peer: `import type { Peer } from "longwire/server";`,
    peer: `declare const peer: import("longwire/server").Peer;`,
    live: `declare const live: import("longwire/live").LiveServer;`,
    response: `declare const response: import("node:http").ServerResponse;`,
    request: `declare const request: import("node:http").IncomingMessage;`,
    news: `declare const news: string;`,
    rows: `declare const rows: string[];`,
    picture: `declare const picture: Uint8Array;`,
    url: `declare const url: string;`,
    token: `declare const token: string;`,
    ca: `declare const ca: string;`,
    cert: `declare const cert: string;`,
    key: `declare const key: string;`,
    userOf: `declare function userOf(cookie: string | undefined): Promise<{ name: string } | undefined>;`,
    userOfSession: `declare function userOfSession(session: string): Promise<{ id: string; sessionEndsAt: number; sites: string[] } | undefined>;`,
    userOfToken: `declare function userOfToken(token: string | undefined): { id: string; isOperator: boolean } | undefined;`,
    endSessionsOf: `declare function endSessionsOf(user: string): Promise<void>;`,
    fetchToken: `declare function fetchToken(): Promise<string>;`,
  },
  "docs/guides/http2.md": {
    topics: `declare const topics: string[];`,
  },
  "docs/guides/testing.md": {
    logTopic: `import { logTopic } from "longwire/live";`,
    TestLive: `import { TestLive } from "longwire/testing";`,
    expect: `import { expect } from "vitest";`,
    live: `declare const live: import("longwire/testing").TestLive;`,
    createSearch: `declare function createSearch(options: Pick<import("longwire/testing").AppTimers, "setTimeout" | "clearTimeout"> & { delayMs: number }): { type(text: string): void; requests: string[] };`,
  },
  "docs/guides/commands.md": {
    live: `declare const live: import("longwire/live").LiveServer & import("longwire/live/client").Live;`,
  },
  "docs/guides/live-client.md": {
    live: `import { connect } from "longwire/live/client"; import type { api } from "./api.ts"; type Asked = { clientMethods: { reboot: import("longwire/live").ClientMethodDeclaration<{ afterMs: number }, { uptimeMs: number }> } }; declare const live: ReturnType<typeof connect<typeof api & Asked>>;`,
    device: `declare const device: { uptimeMs: number; reboot(options: { afterMs: number; signal: AbortSignal }): Promise<void> };`,
  },
};

function block(page: string, name: string): string {
  const text = readFileSync(new URL(`../../${page}`, import.meta.url), "utf8");
  return text.split(`\`\`\`ts ${name}\n`)[1]!.split("```")[0]!;
}

/** The files that snippets import. */
export const snippetFiles: Readonly<Record<string, string>> = {
  "api.ts": block("docs/guides/live-server.md", "api.ts"),
  // As docs/guides/bindings.md has it, whose devices have clients and whose rooms have messages.
  "live.ts": `import type { KeyedTopicDeclaration, LogTopicDeclaration } from "longwire/live"; import type { Live } from "longwire/live/client"; export declare const live: Live<{ topics: [KeyedTopicDeclaration<"devices", { clients: number }, { deviceType: string }>, LogTopicDeclaration<"rooms/:room", { text: string }>] }>;`,
  "app.module.ts": `export class AppModule {}`,
  // Frameworks that the recipes name, as far as they use them: not all are installed here.
  "modules.d.ts": `
    declare module "express" {
      import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
      interface Answer extends ServerResponse { send(body: string): void }
      interface App extends RequestListener {
        use(handler: (request: IncomingMessage, response: Answer, next: () => void) => void): void;
        get(path: string, handler: (request: IncomingMessage, response: Answer) => void): void;
      }
      const express: { (): App; json(): (request: IncomingMessage, response: Answer, next: () => void) => void };
      export default express;
    }
    declare module "fastify" {
      import type { IncomingMessage, Server, ServerResponse } from "node:http";
      interface App {
        readonly server: Server;
        addHook(name: "onRequest", hook: (request: { raw: IncomingMessage }, reply: { raw: ServerResponse; hijack(): void }, done: () => void) => void): void;
        addHook(name: "onClose", hook: () => Promise<void>): void;
        get(path: string, handler: () => string): void;
        listen(options: { port: number }): Promise<string>;
      }
      export default function Fastify(): App;
    }
    declare module "@nestjs/core" {
      export const NestFactory: { create(module: unknown): Promise<{ use(handler: unknown): void; getHttpServer(): import("node:http").Server; listen(port: number): Promise<void> }> };
    }
    declare module "hono" {
      export class Hono { fetch: unknown; get(path: string, handler: (context: { text(body: string): unknown }) => unknown): void }
    }
    declare module "@hono/node-server" {
      export function getRequestListener(fetch: unknown): import("node:http").RequestListener;
    }
    declare module "next" {
      import type { IncomingMessage, RequestListener } from "node:http";
      import type { Duplex } from "node:stream";
      interface App { prepare(): Promise<void>; getRequestHandler(): RequestListener; getUpgradeHandler(): (request: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void> }
      export default function next(options: { dev: boolean }): App;
    }
  `,
  "dashboard.ts": `export declare function startDashboard(live: unknown): { rows: string[]; banner: string };`,
};
