import { describe, expect, test } from "vitest";
import { ClientAddresses, payerOfAddress } from "../../src/server/accept/client-address.ts";

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
  test("without named proxies the connection's counts, whatever headers say", () => {
    expect(of([], "192.0.2.1", { "x-forwarded-for": "203.0.113.5" })).toBe("192.0.2.1");
    expect(of([], "192.0.2.1", { forwarded: "for=203.0.113.5" })).toBe("192.0.2.1");
  });

  test("a named proxy says whose request it is", () => {
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

  test("what a client writes itself is not believed: the last address that no named proxy has counts", () => {
    const headers = { "x-forwarded-for": "1.1.1.1, 203.0.113.5, 192.0.2.2" };
    expect(of(["192.0.2.0/24"], "192.0.2.1", headers)).toBe("203.0.113.5");
  });

  test("a header that holds no address changes nothing", () => {
    for (const value of ["unknown", "_hidden", "", "for=", "1.1.1.1, nonsense"]) {
      expect(of(["192.0.2.1"], "192.0.2.1", { "x-forwarded-for": value })).toBe("192.0.2.1");
    }
  });

  test("a proxy that is not named is reported once", () => {
    const seen: string[] = [];
    const addresses = new ClientAddresses([], (address) => seen.push(address));
    const header = (name: string): string | undefined =>
      name === "x-forwarded-for" ? "203.0.113.5" : undefined;
    for (let count = 0; count < 3; count += 1) addresses.of({ remoteAddress: "192.0.2.1", header });
    expect(seen).toEqual(["192.0.2.1"]);
  });

  test.each(["nowhere", "10.0.0.0/33", ""])("a trusted proxy %j is refused", (address) => {
    expect(() => new ClientAddresses([address], () => {})).toThrow(
      expect.objectContaining({ code: "invalid_address" }),
    );
  });
});

describe("the payer of an address", () => {
  test("all addresses of an IPv6 subnet of 64 bits are one payer", () => {
    const one = payerOfAddress("2001:db8:1:2::7");
    expect(payerOfAddress("2001:db8:1:2:ffff:1:2:3")).toBe(one);
    expect(payerOfAddress("2001:db8:1:3::7")).not.toBe(one);
    expect(payerOfAddress("::1")).toBe("address 0:0:0:0::/64");
  });

  test("an IPv4 address is a payer by itself", () => {
    expect(payerOfAddress("192.0.2.1")).toBe("address 192.0.2.1");
  });
});
