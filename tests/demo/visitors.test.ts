import { describe, expect, test } from "vitest";
import type { Client } from "../../demo/server/client.ts";
import { identify } from "../../demo/server/visitors.ts";

interface Shown {
  headers?: Record<string, string>;
  query?: string;
  address?: string | undefined;
}

function identityOf({ headers = {}, query = "", ...shown }: Shown): Client {
  const address = "address" in shown ? shown.address : "127.0.0.1";
  return identify({
    token: undefined,
    header: (name) => ({ host: "monitor.example:8080", ...headers })[name],
    cookie: () => undefined,
    query: new URLSearchParams(query),
    remoteAddress: address,
  });
}

const cookie = "monitor=0f8fad5b-d9cb-469f-a165-70867728950e";

describe("who may act", () => {
  test.each<[string, Shown, boolean]>([
    ["a program on this machine", {}, true],
    ["a program on this machine, over IPv6", { address: "::1" }, true],
    ["a program on this machine, over a socket for both", { address: "::ffff:127.0.0.1" }, true],
    ["an agent on this machine", { query: "device=rack-7" }, true],
    ["the monitor's page", { headers: { origin: "http://monitor.example:8080" } }, true],
    ["a page of another port", { headers: { origin: "http://monitor.example:9090" } }, false],
    ["a page of another site", { headers: { origin: "https://docs.example" } }, false],
    ["a page without an origin of its own", { headers: { origin: "null" } }, false],
    ["a program on another machine", { address: "192.0.2.7" }, false],
    ["an agent on another machine", { query: "device=rack-7", address: "192.0.2.7" }, false],
    ["a client behind a proxy here", { headers: { "x-forwarded-for": "127.0.0.1" } }, true],
    [
      "a client elsewhere, through a proxy here",
      { headers: { "x-forwarded-for": "127.0.0.1, 192.0.2.7" } },
      false,
    ],
    ["a client that names hops itself", { headers: { forwarded: "for=127.0.0.1" } }, false],
    ["a client whose address is not known", { address: undefined }, false],
  ])("%s: %o", (_, shown, expected) => {
    expect(identityOf(shown).mayAct).toBe(expected);
  });
});

describe("identities", () => {
  test("an agent has the name of its device", () => {
    expect(identityOf({ query: "device=rack%207" })).toMatchObject({
      id: "rack 7",
      isDevice: true,
    });
  });

  test.each(["device=", "device=visitor:x", `device=${"x".repeat(256)}`])(
    "a device cannot be called as in ?%s",
    (query) => {
      expect(() => identityOf({ query })).toThrow(
        expect.objectContaining({ code: "unauthorized" }) as Error,
      );
    },
  );

  test("all tabs of a browser are one visitor, whose name does not show the cookie", () => {
    const [one, other] = [0, 1].map(() => identityOf({ headers: { cookie } }).id);
    expect(one).toBe(other);
    expect(one).toMatch(/^visitor:[0-9a-f]{12}$/);
    expect(cookie).not.toContain(one!.slice("visitor:".length));
    expect(identityOf({}).id).not.toBe(one);
  });

  test("on another machine, an address is one visitor, with and without a cookie", () => {
    const away = { address: "192.0.2.7" };
    const through = { headers: { "x-forwarded-for": "198.51.100.9, 192.0.2.7", cookie } };
    const ids = [away, { ...away, headers: { cookie } }, through].map((one) => identityOf(one).id);
    expect(new Set(ids).size).toBe(1);
    expect(identityOf({ address: "192.0.2.8" }).id).not.toBe(ids[0]);
  });
});
