import { expect, test } from "vitest";
import {
  openWebSocket,
  openWebSocketStream,
  type ClientOptions,
} from "../../../src/client/index.ts";

const url = "ws://127.0.0.1:1";

/** Option, value, code, and what the message must contain. */
test.each<[string, unknown, string]>([
  ["tls", "ca.pem", "{ ca }"],
  ["tcp", 4, "{ family: 4 }"],
  ["proxyTls", [], "{ ca }"],
  ["socketPath", "", "/run/app.sock"],
  ["http2", "yes", "true or false"],
  ["nodeInternals", 0, "true or false"],
  ["followRedirects", "5", "a number"],
  ["signal", new AbortController(), "the signal of an AbortController"],
  ["origin", "https://a.example", "headers: { Origin"],
  ["rejectUnauthorized", false, "tls: { rejectUnauthorized }"],
  ["agent", {}, "proxy"],
  ["maxPayload", 5, "maxMessageBytes"],
])("%s: %j is rejected with the form to use", (name, value, form) => {
  const options = { [name]: value } as ClientOptions;
  const message = expect.stringMatching(/^[^\n]*; [^\n]*\.$/) as string;
  const error = expect.objectContaining({ code: "invalid_option", message });
  const withForm = expect.objectContaining({ message: expect.stringContaining(form) as string });
  for (const open of [openWebSocket, openWebSocketStream]) {
    expect(() => open(url, options)).toThrow(error);
    expect(() => open(url, options)).toThrow(withForm);
  }
});

test("options that are not an object are rejected", () => {
  const open = (): unknown => openWebSocket(url, "chat" as ClientOptions);
  expect(open).toThrow(expect.objectContaining({ code: "invalid_option" }));
});

test("a compression by name is rejected", () => {
  const open = (): unknown => openWebSocket(url, { compression: "gzip" as never });
  expect(open).toThrow(expect.objectContaining({ code: "invalid_compression" }));
});
