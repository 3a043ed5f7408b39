import { controlFrameCases, pingCases, pongCases } from "./cases/control-frames.ts";
import { fragmentationCases } from "./cases/fragmentation.ts";
import { runCases } from "./run-cases.ts";

runCases([...fragmentationCases, ...controlFrameCases, ...pingCases, ...pongCases]);
