import type { Role } from "../../../src/protocol/index.ts";
import type { Carrier } from "./carrier.ts";
import { ClientOverHttp2 } from "./client-over-http2.ts";
import { ClientOverTcp } from "./client-over-tcp.ts";
import { ClientOverTls } from "./client-over-tls.ts";
import { ServerOverHttp2 } from "./server-over-http2.ts";
import { ServerOverTcp } from "./server-over-tcp.ts";
import { ServerOverTls } from "./server-over-tls.ts";

export const roles: readonly Role[] = ["server", "client"];

export type Transport = "TCP" | "TLS" | "HTTP/2";

export const transports: readonly Transport[] = ["TCP", "TLS", "HTTP/2"];

const carriers: Readonly<Record<Role, Record<Transport, new () => Carrier>>> = {
  server: { TCP: ServerOverTcp, TLS: ServerOverTls, "HTTP/2": ServerOverHttp2 },
  client: { TCP: ClientOverTcp, TLS: ClientOverTls, "HTTP/2": ClientOverHttp2 },
};

/** @param role of Longwire's end; the raw end has the other */
export function carrierFor(role: Role, transport: Transport): Carrier {
  return new carriers[role][transport]();
}
