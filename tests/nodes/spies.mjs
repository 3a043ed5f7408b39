// Imported before the package, which keeps some of these functions when it is loaded.
import { IncomingMessage } from "node:http";
import { createDeflateRaw } from "node:zlib";

/** Where the package under test is. */
const PACKAGE = new URL("../../dist/", import.meta.url).href;

/** Not always: to look who calls costs more than what is called. */
let isWatching = true;
const called = new Set();

/** A set: which of Node's undocumented functions the package has called by the end of `run`. */
export async function callsOf(run) {
  await run();
  isWatching = false;
  return called;
}

/** Has `owner`'s method `name` note that the package calls it. */
function spyOn(owner, name, shownAs = name) {
  const original = owner[name];
  owner[name] = function (...args) {
    if (isWatching && !called.has(shownAs) && isCalledByPackage()) called.add(shownAs);
    return original.apply(this, args);
  };
}

/** Whether the caller's caller is the package: Node's own code calls these functions too. */
function isCalledByPackage() {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 3;
  const { stack } = new Error("Who calls?");
  Error.stackTraceLimit = stackTraceLimit;
  return stack.split("\n").at(3)?.includes(PACKAGE) ?? false;
}

const stream = createDeflateRaw();
// oxlint-disable-next-line eslint/no-underscore-dangle
const zlibHandle = Object.getPrototypeOf(stream._handle);
stream.destroy();

spyOn(process, "binding", "process.binding");
spyOn(Buffer.prototype, "latin1Slice");
spyOn(Buffer.prototype, "utf8Slice");
spyOn(Buffer.prototype, "utf8Write");
spyOn(zlibHandle, "writeSync");
spyOn(IncomingMessage.prototype, "_addHeaderLines");
