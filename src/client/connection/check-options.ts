import { LongwireError, refuseForeign, shown } from "../../base/index.ts";
import type { ClientOptions } from "./client-options.ts";

/** The valid values of each option, and an example. */
const FORMS: readonly [
  name: keyof ClientOptions,
  isValid: (value: unknown) => boolean,
  form: string,
][] = [
  ["tls", isPlain, "an object such as { ca }"],
  ["tcp", isPlain, "an object such as { family: 4 }"],
  ["proxyTls", isPlain, "an object such as { ca }"],
  [
    "socketPath",
    (value) => typeof value === "string" && value !== "",
    'a path such as "/run/app.sock"',
  ],
  ["http2", isBoolean, "true or false"],
  ["nodeInternals", isBoolean, "true or false"],
  [
    "followRedirects",
    (value) => isBoolean(value) || typeof value === "number",
    "true, false or a number",
  ],
  ["signal", isSignal, "an AbortSignal, such as the signal of an AbortController"],
];

/** Options of other libraries, and where they belong here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  origin: "set it as headers: { Origin: … }",
  auth: "set headers: { Authorization: … }, or put the name and password in the URL",
  agent: "set proxy for a proxy, or tls and tcp for options of the connection",
  ca: "set it as tls: { ca }",
  cert: "set it as tls: { cert, key }",
  key: "set it as tls: { cert, key }",
  rejectUnauthorized: "set it as tls: { rejectUnauthorized }",
  handshakeTimeout: "set handshakeTimeoutMs",
  maxPayload: "set maxMessageBytes",
  perMessageDeflate: "set compression",
};

/** @throws LongwireError `invalid_option` */
export function checkOptions(options: ClientOptions): void {
  if (!isPlain(options)) throw invalid(`The options are ${shown(options)}; pass an object.`);
  for (const [name, isValid, form] of FORMS) {
    const value: unknown = options[name];
    if (value === undefined || isValid(value)) continue;
    throw invalid(`${name} is ${shown(value)}; use ${form}, or leave it out.`);
  }
  refuseForeign(options, ELSEWHERE);
}

function isPlain(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isBoolean(value: unknown): boolean {
  return typeof value === "boolean";
}

function isSignal(value: unknown): boolean {
  return isPlain(value) && typeof (value as Partial<AbortSignal>).addEventListener === "function";
}

function invalid(message: string): LongwireError {
  return new LongwireError("invalid_option", message);
}
