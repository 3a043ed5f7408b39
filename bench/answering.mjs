import { createInterface } from "node:readline";
import { ANSWER } from "./subprocess.mjs";

/** A contender cannot do this: the results mention it, and it does not count as a failure. */
export class NotSupported extends Error {}

/**
 * The other end of a `Subprocess`: answers its requests, and ends with it.
 *
 * @param {(request: any) => unknown} answer what it returns or resolves to is the answer
 */
export function answerRequests(answer) {
  const lines = createInterface({ input: process.stdin });
  lines.on("line", async (line) => {
    try {
      say({ value: (await answer(JSON.parse(line))) ?? null });
    } catch (error) {
      const isUnsupported = error instanceof NotSupported;
      say({ error: { message: String(error?.message ?? error), isUnsupported } });
    }
  });
  lines.on("close", () => process.exit());
}

function say(result) {
  process.stdout.write(`${ANSWER}${JSON.stringify(result)}\n`);
}
