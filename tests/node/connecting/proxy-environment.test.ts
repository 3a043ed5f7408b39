import { describe, expect, test } from "vitest";
import {
  isException,
  proxyFromEnvironment,
} from "../../../src/node/connecting/proxy/proxy-environment.ts";
import { remoteHostOf } from "../../../src/node/connecting/route/remote-host.ts";

const nameFor = (url: string, environment: Record<string, string>): string | undefined =>
  proxyFromEnvironment(new URL(url), environment)?.name;

describe("which variable sets the proxy", () => {
  const all = {
    http_proxy: "http://a.test:1",
    HTTP_PROXY: "http://b.test:1",
    https_proxy: "http://c.test:1",
    HTTPS_PROXY: "http://d.test:1",
    all_proxy: "socks5://e.test:1",
    ALL_PROXY: "socks5://f.test:1",
  };

  function without(...names: (keyof typeof all)[]): Record<string, string> {
    const rest = Object.entries(all).filter(([name]) => !names.includes(name as keyof typeof all));
    return Object.fromEntries(rest);
  }

  test.each([
    ["ws://x.test", all, "http://a.test:1"],
    ["ws://x.test", without("http_proxy"), "http://b.test:1"],
    ["ws://x.test", without("http_proxy", "HTTP_PROXY"), "socks5://e.test:1"],
    ["wss://x.test", all, "http://c.test:1"],
    ["wss://x.test", without("https_proxy"), "http://d.test:1"],
    ["wss://x.test", { ALL_PROXY: "socks5h://f.test" }, "socks5h://f.test"],
    ["ws://x.test", { https_proxy: "http://c.test:1" }, undefined],
    ["ws://x.test", { http_proxy: "", all_proxy: "e.test:1" }, "http://e.test:1"],
    ["ws://x.test", {}, undefined],
  ])("%s with %j: %s", (url, environment, name) => {
    expect(nameFor(url, environment)).toBe(name);
  });

  test("HTTP_PROXY is ignored in a CGI program, where a client sets it (CVE-2016-5385)", () => {
    const cgi = { REQUEST_METHOD: "GET", HTTP_PROXY: "http://evil.test" };
    expect(nameFor("ws://x.test", cgi)).toBeUndefined();
    expect(nameFor("ws://x.test", { ...cgi, http_proxy: "http://a.test" })).toBe("http://a.test");
  });

  test("no_proxy exempts hosts, in upper or lower case", () => {
    for (const name of ["no_proxy", "NO_PROXY"]) {
      const environment = { http_proxy: "http://a.test", [name]: "x.test" };
      expect(nameFor("ws://x.test", environment)).toBeUndefined();
      expect(nameFor("ws://y.test", environment)).toBe("http://a.test");
    }
  });
});

describe("which hosts no_proxy contains", () => {
  test.each([
    ["x.test", "ws://x.test"],
    ["X.Test", "ws://x.test"],
    ["x.test.", "ws://x.test"],
    ["x.test", "ws://x.test./"],
    ["x.test", "ws://sub.x.test"],
    [".x.test", "ws://sub.x.test"],
    [".x.test", "ws://x.test"],
    ["*.x.test", "ws://sub.x.test"],
    ["x.test:80", "ws://x.test"],
    ["x.test:443", "wss://x.test"],
    ["*", "ws://any.test"],
    ["a.test, x.test", "ws://x.test"],
    ["a.test x.test", "ws://x.test"],
    ["127.0.0.1", "ws://127.0.0.1:8080"],
    ["127.0.0.1:8080", "ws://127.0.0.1:8080"],
    ["10.0.0.0/8", "ws://10.1.2.3"],
    ["::1", "ws://[::1]"],
    ["0:0:0:0:0:0:0:1", "ws://[::1]"],
    ["[::1]:80", "ws://[::1]"],
    ["fd00::/8", "ws://[fd12::1]"],
    ["localhost", "ws://localhost:1"],
  ])("%s has %s", (list, url) => {
    expect(isException(remoteHostOf(new URL(url)), list)).toBe(true);
  });

  test.each([
    ["", "ws://x.test"],
    [" , ", "ws://x.test"],
    ["x.test", "ws://notx.test"],
    ["x.test", "ws://x.test.evil.test"],
    ["test.x", "ws://x.test"],
    ["x.test:81", "ws://x.test"],
    ["x.test:80", "wss://x.test"],
    ["0.1", "ws://127.0.0.1"],
    ["10.0.0.0/8", "ws://11.1.2.3"],
    ["10.0.0.0/99", "ws://10.0.0.1"],
    ["10.0.0.0/", "ws://10.0.0.1"],
    ["nonsense/8", "ws://10.0.0.1"],
    ["10.0.0.0/8", "ws://10.test"],
    ["::/0", "ws://1.2.3.4"],
    ["[::1]:81", "ws://[::1]"],
    [".", "ws://x.test"],
    ["*x.test", "ws://sub.x.test"],
  ])("%j does not contain %s", (list, url) => {
    expect(isException(remoteHostOf(new URL(url)), list)).toBe(false);
  });
});
