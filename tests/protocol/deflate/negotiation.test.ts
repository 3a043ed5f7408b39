import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  acceptDeflateOffer,
  deflateOffer,
  formatExtensions,
  HandshakeError,
  parseExtensions,
  type DeflateParameters,
  type DeflatePreferences,
} from "../../../src/protocol/index.ts";
import { checkDeflateResponse } from "../../../src/protocol/deflate/check-response.ts";

const shared: DeflatePreferences = {
  outgoingContextTakeover: false,
  incomingContextTakeover: false,
  outgoingWindowBits: 15,
  incomingWindowBits: 15,
};
const kept: DeflatePreferences = {
  ...shared,
  outgoingContextTakeover: true,
  incomingContextTakeover: true,
};

function accept(offers: string, preferences = kept): string | undefined {
  const accepted = acceptDeflateOffer(parseExtensions(offers)!, preferences);
  return accepted && formatExtensions([accepted.response]);
}

function parameters(offers: string, preferences = kept): DeflateParameters | undefined {
  return acceptDeflateOffer(parseExtensions(offers)!, preferences)?.parameters;
}

describe("a server's response to offers (RFC 7692 §5, §7.1)", () => {
  test("an offer without parameters is answered without parameters", () => {
    expect(accept("permessage-deflate")).toBe("permessage-deflate");
    expect(parameters("permessage-deflate")).toEqual({
      serverNoContextTakeover: false,
      clientNoContextTakeover: false,
      serverMaxWindowBits: 15,
      clientMaxWindowBits: 15,
    });
  });

  test.each([
    ["server_no_context_takeover", "server_no_context_takeover"],
    ["client_no_context_takeover", "client_no_context_takeover"],
    ["server_max_window_bits=10", "server_max_window_bits=10"],
    ['server_max_window_bits="10"', "server_max_window_bits=10"],
    ["server_max_window_bits=15", "server_max_window_bits=15"],
    ["client_max_window_bits=9", "client_max_window_bits=9"],
    [
      "server_max_window_bits=8; client_max_window_bits=8",
      "server_max_window_bits=8; client_max_window_bits=8",
    ],
  ])("the parameters in %s are granted: %s", (asked, given) => {
    expect(accept(`permessage-deflate; ${asked}`)).toBe(`permessage-deflate; ${given}`);
  });

  test.each(["client_max_window_bits", "client_max_window_bits=15"])(
    "%s announces a capability, and is not answered if the full window is wanted",
    (asked) => {
      expect(accept(`permessage-deflate; ${asked}`)).toBe("permessage-deflate");
    },
  );

  test("a server without contexts asks for no context takeover, whatever the offer contains (§7.1.1)", () => {
    expect(accept("permessage-deflate", shared)).toBe(
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    );
  });

  test("a smaller window is requested only if the client offered it (§7.1.2.2)", () => {
    const small = { ...kept, incomingWindowBits: 10, outgoingWindowBits: 11 };
    expect(accept("permessage-deflate; client_max_window_bits", small)).toBe(
      "permessage-deflate; server_max_window_bits=11; client_max_window_bits=10",
    );
    expect(accept("permessage-deflate", small)).toBe(
      "permessage-deflate; server_max_window_bits=11",
    );
    expect(parameters("permessage-deflate", small)?.clientMaxWindowBits).toBe(15);
  });

  test.each([
    "server_max_window_bits",
    "server_max_window_bits=7",
    "server_max_window_bits=16",
    "server_max_window_bits=0",
    "server_max_window_bits=08",
    'server_max_window_bits="08"',
    "server_max_window_bits=1e1",
    "server_max_window_bits=99999999999999999999",
    "server_max_window_bits=-9",
    "client_max_window_bits=7",
    "client_max_window_bits=16",
    "client_max_window_bits=010",
    "server_no_context_takeover=1",
    "client_no_context_takeover=true",
    "client_no_context_takeover; client_no_context_takeover",
    "server_max_window_bits=10; server_max_window_bits=10",
    "client_max_window_bits; client_max_window_bits=10",
    "Server_No_Context_Takeover",
    "unknown",
    "__proto__",
    "__proto__=1",
    "constructor",
    "toString=15",
  ])("an offer with %s is declined, and the next one accepted", (parameter) => {
    expect(accept(`permessage-deflate; ${parameter}`)).toBe(undefined);
    expect(accept(`permessage-deflate; ${parameter}, permessage-deflate`)).toBe(
      "permessage-deflate",
    );
  });

  test("the first acceptable offer is accepted (§5.1)", () => {
    const offers =
      "x-webkit-deflate-frame, permessage-deflate; unknown, permessage-deflate; server_max_window_bits=12, permessage-deflate";
    expect(accept(offers)).toBe("permessage-deflate; server_max_window_bits=12");
  });

  test("without an offer, there is no response", () => {
    expect(accept("permessage-bzip2, x")).toBe(undefined);
    expect(acceptDeflateOffer([], kept)).toBe(undefined);
  });
});

describe("a client's check of the response (RFC 7692 §5.1, §7.1)", () => {
  const check = (answer: string, preferences = kept): unknown =>
    checkDeflateResponse(answer, preferences);

  test("without a response, messages are not compressed", () => {
    expect(check("")).toBe(undefined);
  });

  test.each([
    ["permessage-deflate", 15, 15],
    ["permessage-deflate; server_max_window_bits=9", 9, 15],
    ["permessage-deflate; client_max_window_bits=9", 15, 9],
    ["permessage-deflate; client_no_context_takeover; client_max_window_bits=8", 15, 8],
    ['permessage-deflate; server_max_window_bits="8"', 8, 15],
  ])("%s is what was offered, or less", (answer, serverMaxWindowBits, clientMaxWindowBits) => {
    expect(check(answer)).toMatchObject({ serverMaxWindowBits, clientMaxWindowBits });
  });

  test.each([
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; server_max_window_bits",
    "permessage-deflate; server_max_window_bits=16",
    "permessage-deflate; server_max_window_bits=7",
    "permessage-deflate; server_max_window_bits=09",
    "permessage-deflate; client_max_window_bits=0",
    "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    "permessage-deflate; server_no_context_takeover=15",
    "permessage-deflate; unknown",
    "permessage-deflate; __proto__=8",
    "permessage-deflate, permessage-deflate",
    "permessage-deflate, x",
    "x-webkit-deflate-frame",
    "permessage-deflate; =",
    'permessage-deflate; server_max_window_bits="8',
  ])("%s fails the connection", (answer) => {
    expect(check(answer)).toBeInstanceOf(HandshakeError);
    expect(check(answer)).toMatchObject({ code: "bad_response" });
  });

  test("a response without an offer fails the connection (RFC 6455 §4.1)", () => {
    expect(checkDeflateResponse("permessage-deflate", undefined)).toBeInstanceOf(HandshakeError);
  });

  test("a server must grant no context takeover if it is requested (§7.1.1.1)", () => {
    expect(check("permessage-deflate", shared)).toBeInstanceOf(HandshakeError);
    expect(check("permessage-deflate; server_no_context_takeover", shared)).toMatchObject({
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
    });
  });

  test("a window larger than the offered one fails the connection (§7.1.2)", () => {
    const small = { ...kept, incomingWindowBits: 10, outgoingWindowBits: 10 };
    expect(check("permessage-deflate; server_max_window_bits=11", small)).toBeInstanceOf(
      HandshakeError,
    );
    expect(check("permessage-deflate", small)).toBeInstanceOf(HandshakeError);
    expect(
      check("permessage-deflate; server_max_window_bits=10; client_max_window_bits=11", small),
    ).toBeInstanceOf(HandshakeError);
    expect(
      check("permessage-deflate; server_max_window_bits=10; client_max_window_bits=9", small),
    ).toMatchObject({ serverMaxWindowBits: 10, clientMaxWindowBits: 9 });
  });
});

const anyPreferences = fc.record({
  outgoingContextTakeover: fc.boolean(),
  incomingContextTakeover: fc.boolean(),
  outgoingWindowBits: fc.integer({ min: 8, max: 15 }),
  incomingWindowBits: fc.integer({ min: 8, max: 15 }),
});

test("both ends agree on the same parameters, whatever they prefer", () => {
  fc.assert(
    fc.property(anyPreferences, anyPreferences, (client, server) => {
      const offer = formatExtensions([deflateOffer(client)]);
      const accepted = acceptDeflateOffer(parseExtensions(offer)!, server)!;
      const agreed = checkDeflateResponse(formatExtensions([accepted.response]), client);
      expect(agreed).toEqual(accepted.parameters);
      expect(accepted.parameters.serverMaxWindowBits).toBeLessThanOrEqual(
        Math.min(server.outgoingWindowBits, client.incomingWindowBits),
      );
      expect(accepted.parameters.clientMaxWindowBits).toBeLessThanOrEqual(
        Math.min(client.outgoingWindowBits, server.incomingWindowBits),
      );
    }),
    { numRuns: 2000 },
  );
});
