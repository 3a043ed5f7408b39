import { expect, test } from "vitest";
import type { Destination } from "../../../src/node/connecting/http/destination.ts";
import { redirected } from "../../../src/node/connecting/http/redirects.ts";
import type { ResponseHead } from "../../../src/protocol/index.ts";

const from: Destination = {
  url: new URL("ws://one.test/old?a"),
  headers: [["Cookie", "a=b"]],
  tls: undefined,
};

const to = (location: string): ResponseHead => ({
  httpVersion: "1.1",
  status: 302,
  statusText: "Found",
  headers: [["LOCATION", location]],
});

test("a destination has no credentials and no fragment (RFC 6455 §3)", () => {
  const { url } = redirected(from, to("ws://user:secret@one.test/new#part"));
  expect(url.href).toBe("ws://one.test/new");
});

test("http: and https: become ws: and wss:, with their ports (RFC 6455 §3)", () => {
  expect(redirected(from, to("http://one.test:80/")).url.href).toBe("ws://one.test/");
  expect(redirected(from, to("https://one.test:443/")).url.href).toBe("wss://one.test/");
  expect(redirected(from, to("https://one.test:80/")).url.href).toBe("wss://one.test:80/");
});

test("another scheme or port is another origin (RFC 6454 §4)", () => {
  expect(redirected(from, to("ws://one.test:80/")).headers).toEqual(from.headers);
  for (const location of ["wss://one.test/", "ws://one.test:81/", "ws://sub.one.test/"]) {
    expect(redirected(from, to(location)).headers).toEqual([]);
  }
});

test("over a Unix socket, only redirects to the same origin are followed", () => {
  expect(redirected(from, to("/new"), "/run/socket").url.pathname).toBe("/new");
  expect(() => redirected(from, to("ws://two.test/"), "/run/socket")).toThrow(
    expect.objectContaining({ code: "blocked_redirect", status: 302 }),
  );
});

test("errors do not contain credentials of a Location", () => {
  for (const location of ["ftp://user:secret@two.test/?token", "ws://user:secret@a b/"]) {
    expect(() => redirected(from, to(location))).not.toThrow(/user|secret|token/);
  }
});
