import { expect, test } from "vitest";
import { defaultConnectionLimits, defaultHandshakeLimits } from "../../src/protocol/index.ts";

test("the default limits are the documented ones (RFC 6455 §10.4)", () => {
  expect(defaultConnectionLimits).toEqual({
    maxMessageBytes: 16_777_216,
    maxMessageFragments: 131_072,
  });
  expect(defaultHandshakeLimits).toEqual({
    maxHeaderBytes: 16_384,
    maxHeaderLines: 200,
    maxInterimResponses: 16,
  });
});
