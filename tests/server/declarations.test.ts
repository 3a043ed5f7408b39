import { describe, expect, test } from "vitest";
import {
  WebSocketServer,
  type Endpoint,
  type WebSocketServerOptions,
} from "../../src/server/index.ts";

const declare =
  (endpoint: unknown, options: unknown = {}) =>
  (): WebSocketServer =>
    new WebSocketServer(endpoint as Endpoint, options as WebSocketServerOptions);

describe("an invalid declaration is rejected, with a hint at the valid form:", () => {
  test.each<[string, unknown, string, string]>([
    ["a path without a slash", { path: "chat" }, "invalid_path", '"/chat"'],
    ["a path that is not text", { path: 5 }, "invalid_path", '"/chat"'],
    [
      "one origin as text",
      { origins: "https://a.example" },
      "invalid_origins",
      '["https://a.example"]'.slice(1, -1),
    ],
    ["a star", { origins: "*" }, "invalid_origins", '"any"'],
    ["a star in the list", { origins: ["*"] }, "invalid_origins", '"any"'],
    [
      "an origin without a scheme",
      { origins: ["a.example"] },
      "invalid_origins",
      '"https://a.example"',
    ],
    [
      "an origin with a path",
      { origins: ["https://a.example/"] },
      "invalid_origins",
      '"https://a.example"',
    ],
    [
      "an origin with its default port",
      { origins: ["https://a.example:443"] },
      "invalid_origins",
      '"https://a.example"',
    ],
    ["an expression", { origins: [/a/] }, "invalid_origins", '"https://example.com"'],
    [
      "a subprotocol that is not in a list",
      { protocols: "chat" },
      "invalid_subprotocols",
      '["chat"]',
    ],
    [
      "a subprotocol that is not a token",
      { protocols: ["a b"] },
      "invalid_subprotocols",
      '["chat"]',
    ],
    [
      "a limit that is not a number",
      { maxMessageBytes: "1k" },
      "invalid_limit",
      "positive integer",
    ],
    ["a method that is not a function", { onMessage: "echo" }, "invalid_endpoint", "a function"],
    ["nothing", undefined, "invalid_endpoint", "{ path"],
  ])("%s", (_, endpoint, code, form) => {
    const message = expect.stringContaining(form) as string;
    expect(declare(endpoint)).toThrow(expect.objectContaining({ code, message }));
    expect(declare([{ path: "/" }, endpoint])).toThrow(expect.objectContaining({ code }));
  });

  test.each<[string, unknown, string]>([
    ["hosts as text", { hosts: "example.com" }, "invalid_hosts"],
    ["a host with a port", { hosts: ["example.com:80"] }, "invalid_hosts"],
    ["trustedProxies as text", { trustedProxies: "10.0.0.7" }, "invalid_address"],
    ["a proxy that is not an address", { trustedProxies: [5] }, "invalid_address"],
    ["compression by name", { compression: "gzip" }, "invalid_compression"],
  ])("%s", (_, options, code) => {
    const message = expect.stringMatching(/^[^\n]*; (?:use|pass) [^\n]*\.$/) as string;
    expect(declare({}, options)).toThrow(expect.objectContaining({ code, message }));
  });
});

test.each([
  [5, "pass an object"],
  [{ port: 80 }, "listen({ port })"],
  [{ server: {} }, "attach(server)"],
  [{ path: "/chat" }, "at an endpoint"],
  [{ verifyClient: () => true }, "authorize at an endpoint"],
  [{ maxPayload: 5 }, "maxMessageBytes"],
])("an option that would be ignored is rejected: %j", (options, advice) => {
  const message = expect.stringContaining(advice) as string;
  const error = expect.objectContaining({ code: "invalid_option", message });
  expect(declare({}, options)).toThrow(error);
});

test.each<Endpoint>([
  { origins: ["https://a.example", "http://localhost:3000", "null", "chrome-extension://abc"] },
  { origins: () => true, protocols: () => undefined, path: "/*" },
  { origins: "same", protocols: [] },
])("a valid declaration is accepted: %j", (endpoint) => {
  expect(declare(endpoint, { hosts: ["Example.com", "[::1]"] })).not.toThrow();
});
