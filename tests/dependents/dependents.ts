import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** The folder in which the packages are installed, with `ws` replaced; see scripts/test.mjs. */
export const home: string = resolve(import.meta.dirname, "../../tools/dependents");
/** The package that replaces `ws`. */
export const dropIn: string = resolve(import.meta.dirname, "../../packages/ws");

const requireThere = createRequire(resolve(home, "package.json"));

/** Untyped, because their types would need their packages where the tests are type-checked. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Untyped = any;

/** Loads a package, or a file of one, as CommonJS. */
export function load(name: string): Untyped {
  return requireThere(name);
}

/** Returns the file that `name` loads for `ws`. */
export function wsOf(name: string): string {
  return createRequire(resolve(home, "node_modules", name, "package.json")).resolve("ws");
}

/** Listens, and closes at the end of the test. */
export async function listening(server: Server = createServer()): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Returns the arguments of an emitter's next event. */
export function next(emitter: Untyped, event: string): Promise<Untyped[]> {
  return new Promise((resolve, reject) => {
    emitter.once(event, (...given: Untyped[]) => resolve(given));
    if (event !== "error") emitter.once("error", reject);
  });
}
