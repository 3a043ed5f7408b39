import { limitCases } from "./cases/limits.ts";
import { runCases } from "./run-cases.ts";

runCases(limitCases);
