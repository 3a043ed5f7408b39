import { onTestFinished } from "vitest";

/** Records errors that would have ended the process, from now until the end of the test. */
export function strayErrors(): unknown[] {
  const errors: unknown[] = [];
  const note = (error: unknown): void => void errors.push(error);
  process.on("uncaughtException", note);
  process.on("unhandledRejection", note);
  onTestFinished(() => {
    process.off("uncaughtException", note);
    process.off("unhandledRejection", note);
  });
  return errors;
}

/** Resolves after all pending errors, including unhandled rejections, have been reported. */
export async function afterReports(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
