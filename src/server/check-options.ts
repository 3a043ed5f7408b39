import { LongwireError, refuseForeign, shown } from "../base/index.ts";

/** Options of other servers, and where they belong here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  port: "pass it to listen({ port })",
  host: "pass it to listen({ host })",
  server: "call attach(server)",
  noServer: "call attach(server)",
  path: 'set it at an endpoint: { path: "/chat" }',
  maxPayload: "set maxMessageBytes",
  perMessageDeflate: "set compression",
  verifyClient: "set authorize at an endpoint",
  handleProtocols: "set protocols at an endpoint",
  cors: "set origins at an endpoint",
};

/** @throws LongwireError `invalid_option` */
export function checkOptions(options: unknown): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    const message = `The server's options are ${shown(options)}; pass an object, or leave them out.`;
    throw new LongwireError("invalid_option", message);
  }
  refuseForeign(options, ELSEWHERE);
}
