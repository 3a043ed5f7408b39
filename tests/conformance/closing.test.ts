import { closeCodeCases, closingCases } from "./cases/closing.ts";
import { closeFrameCases } from "./cases/control-frames.ts";
import { runCases } from "./run-cases.ts";

runCases([...closeFrameCases, ...closingCases, ...closeCodeCases]);
