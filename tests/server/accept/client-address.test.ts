import { describe, expect, test } from "vitest";
import { ClientAddresses, payerOfAddress } from "../../../src/server/accept/client-address.ts";

function of(
  trusted: string[],
  remoteAddress: string | undefined,
  headers: Record<string, string> = {},
  onUnnamed: (address: string) => void = () => {},
): string | undefined {
  const addresses = new ClientAddresses(trusted, onUnnamed);
  return addresses.of({ remoteAddress, header: (name) => headers[name] });
}

describe("the client's address", () => {
  test("without trusted proxies, the connection's address is used, whatever the headers contain", () => {
    expect(of([], "192.0.2.1", { "x-forwarded-for": "203.0.113.5" })).toBe("192.0.2.1");
    expect(of([], "192.0.2.1", { forwarded: "for=203.0.113.5" })).toBe("192.0.2.1");
  });

  test("a trusted proxy determines the client's address", () => {
    expect(of(["192.0.2.1"], "192.0.2.1", { "x-forwarded-for": "203.0.113.5" })).toBe(
      "203.0.113.5",
    );
    expect(
      of(["192.0.2.0/24"], "192.0.2.9", { forwarded: 'for="203.0.113.5:1234";proto=https' }),
    ).toBe("203.0.113.5");
    expect(of(["192.0.2.1"], "::ffff:192.0.2.1", { "x-forwarded-for": "203.0.113.5" })).toBe(
      "203.0.113.5",
    );
    expect(of(["::1"], "::1", { forwarded: 'for="[2001:db8::7]:99"' })).toBe("2001:db8::7");
  });

  test("entries from the client itself are ignored: the last address that is not a trusted proxy is used", () => {
    const headers = { "x-forwarded-for": "1.1.1.1, 203.0.113.5, 192.0.2.2" };
    expect(of(["192.0.2.0/24"], "192.0.2.1", headers)).toBe("203.0.113.5");
  });

  test("a client cannot choose its address with the header that its proxy passes on", () => {
    const proxy = "192.0.2.1";
    const reported = { "x-forwarded-for": "203.0.113.5" };
    for (const invented of ["for=198.51.100.1", "for=unknown", ""]) {
      expect(of([proxy], proxy, { ...reported, forwarded: invented })).toBe(proxy);
    }
    const standard = { forwarded: "for=203.0.113.5" };
    for (const invented of ["198.51.100.1", "nonsense"]) {
      expect(of([proxy], proxy, { ...standard, "x-forwarded-for": invented })).toBe(proxy);
    }
    expect(of([proxy], proxy, { ...standard, ...reported })).toBe("203.0.113.5");
  });

  test("a header without a valid address is ignored", () => {
    for (const value of ["unknown", "_hidden", "", "for=", "1.1.1.1, nonsense"]) {
      expect(of(["192.0.2.1"], "192.0.2.1", { "x-forwarded-for": value })).toBe("192.0.2.1");
    }
  });

  test("an untrusted proxy is reported once", () => {
    const seen: string[] = [];
    const addresses = new ClientAddresses([], (address) => seen.push(address));
    const header = (name: string): string | undefined =>
      name === "x-forwarded-for" ? "203.0.113.5" : undefined;
    for (let count = 0; count < 3; count += 1) addresses.of({ remoteAddress: "192.0.2.1", header });
    expect(seen).toEqual(["192.0.2.1"]);
  });

  test.each(["nowhere", "10.0.0.0/33", ""])("trustedProxies rejects %j", (address) => {
    expect(() => new ClientAddresses([address], () => {})).toThrow(
      expect.objectContaining({ code: "invalid_address" }),
    );
  });
});

describe("payerOfAddress", () => {
  test("all addresses in an IPv6 /64 subnet are one payer", () => {
    const one = payerOfAddress("2001:db8:1:2::7");
    expect(payerOfAddress("2001:db8:1:2:ffff:1:2:3")).toBe(one);
    expect(payerOfAddress("2001:db8:1:3::7")).not.toBe(one);
    expect(payerOfAddress("::1")).toBe("address 0:0:0:0::/64");
  });

  test("every IPv4 address is a payer of its own", () => {
    expect(payerOfAddress("192.0.2.1")).toBe("address 192.0.2.1");
  });
});
