import { afterAll, describe, test } from "vitest";
import { carrierFor, roles, transports } from "./carriers/carrier-for.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { converse } from "./converse.ts";

/** Creates a test of every case for every role of Longwire's end and every transport. */
export function runCases(cases: readonly ConformanceCase[]): void {
  for (const role of roles) {
    for (const transport of transports) {
      const mine = cases.filter(
        (one) =>
          (one.roles ?? roles).includes(role) && (one.transports ?? transports).includes(transport),
      );
      if (mine.length === 0) continue;
      describe(`Longwire's ${role} over ${transport}`, () => {
        const carrier = carrierFor(role, transport);
        afterAll(() => carrier.stop());
        for (const one of mine) test(one.name, () => converse(role, carrier, one));
      });
    }
  }
}
