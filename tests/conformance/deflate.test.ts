import { afterAll, describe, expect, test } from "vitest";
import { carrierFor, transports } from "./carriers/carrier-for.ts";
import { deflateFramingCases } from "./cases/deflate-framing.ts";
import {
  badAnswers,
  deflateOfferCases,
  deflateParameterCases,
} from "./cases/deflate-parameters.ts";
import { deflatePayloadCases } from "./cases/deflate-payload.ts";
import { runCases } from "./run-cases.ts";

runCases([
  ...deflateFramingCases,
  ...deflateOfferCases,
  ...deflateParameterCases,
  ...deflatePayloadCases,
]);

describe.each(transports)("Longwire's client over %s", (transport) => {
  const carrier = carrierFor("client", transport);
  afterAll(() => carrier.stop());

  test.each(badAnswers)(
    "RFC 7692 §5.1: the response %s fails the connection",
    async (extensions) => {
      const { pipe, application } = await carrier.open({ settings: {}, extensions });
      const closed = { code: 1006, reason: "", wasClean: false, error: "bad_response" };
      expect(await application.closed).toEqual(closed);
      await pipe.ended();
      expect(pipe.leftBytes).toBe(0);
    },
  );

  test("RFC 7692 §5.1: any response fails the connection if nothing was offered", async () => {
    const { application, extensions } = await carrier.open({
      settings: { compression: false },
      extensions: "permessage-deflate",
    });
    expect(extensions).toBeUndefined();
    expect(await application.closed).toMatchObject({ code: 1006, error: "bad_response" });
  });
});
