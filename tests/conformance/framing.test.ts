import { baseFramingCases, examples } from "./cases/base-framing.ts";
import { maskingCases, maskingKeyCases } from "./cases/masking.ts";
import { runCases } from "./run-cases.ts";

runCases([...maskingCases, ...maskingKeyCases, ...baseFramingCases, ...examples]);
