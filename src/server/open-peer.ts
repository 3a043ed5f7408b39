import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { TimerWheel } from "../base/index.ts";
import { sha1Base64 } from "../node/index.ts";
import { checkOpening, formatAcceptance, type Opening, type Refusal } from "../protocol/index.ts";
import type { Endpoint } from "./endpoint.ts";
import { HandshakeRefusal } from "./handshake-refusal.ts";
import { foreignOrigin, isOriginAllowed } from "./origin-policy.ts";
import { Peer, reportFailure, type PeerHost } from "./peer.ts";
import { refuseHandshake } from "./refuse.ts";
import { headerFields, UpgradeRequest } from "./upgrade-request.ts";

export interface Arrival {
  endpoint: Endpoint;
  incoming: IncomingMessage;
  socket: Socket;
  /** Bytes that came behind the request. */
  head: Buffer;
  host: PeerHost;
  wheel: TimerWheel;
  timeoutMs: number;
  /** Takes the peer in, or says that no more are taken. */
  admit: (peer: Peer) => boolean;
}

/** Makes a peer of a handshake, or refuses it. Never rejects. */
export async function openPeer(arrival: Arrival): Promise<void> {
  const { endpoint, incoming, socket } = arrival;
  // From here on Node no longer listens for this socket's errors.
  const onError = (): void => void socket.destroy();
  socket.on("error", onError);
  const result = checkOpening({
    method: incoming.method ?? "",
    httpVersion: incoming.httpVersion,
    headers: headerFields(incoming),
  });
  if (result.kind === "refusal") return refuseHandshake(socket, result.refusal);
  const { opening } = result;
  const request = new UpgradeRequest(incoming, opening);
  const { origins = "same" } = endpoint;
  if (!isOriginAllowed(origins, opening.origin, incoming.headers.host)) {
    return refuseHandshake(socket, foreignOrigin(opening.origin));
  }
  const decision = await decide(arrival, request);
  if (decision.kind === "refused") return refuseHandshake(socket, decision.refusal);
  if (socket.destroyed) return;
  const accepted = { endpoint, data: decision.data, protocol: chosen(endpoint, request) };
  socket.off("error", onError);
  accept(arrival, { accepted, opening, request });
}

function accept(
  { endpoint, socket, head, host, admit }: Arrival,
  {
    accepted,
    opening,
    request,
  }: {
    accepted: { endpoint: Endpoint; data: unknown; protocol: string };
    opening: Opening;
    request: UpgradeRequest;
  },
): void {
  const peer = new Peer(socket, accepted, host);
  if (!admit(peer)) return refuseHandshake(socket, TOO_LATE);
  socket.setTimeout(0);
  socket.setNoDelay(true);
  const protocol = accepted.protocol === "" ? undefined : accepted.protocol;
  socket.write(formatAcceptance({ key: opening.key, sha1: sha1Base64, protocol }), "latin1");
  try {
    endpoint.onOpen?.(peer, request);
  } catch (error) {
    peer.fail(error);
  }
  peer.start(head);
}

type Decision = { kind: "accepted"; data: unknown } | { kind: "refused"; refusal: Refusal };

/** Asks the application, and for no longer than the handshake may take. */
function decide(arrival: Arrival, request: UpgradeRequest): Promise<Decision> {
  const { endpoint, wheel, timeoutMs } = arrival;
  return new Promise((resolve) => {
    const timer = wheel.after(timeoutMs, () => resolve({ kind: "refused", refusal: TIMED_OUT }));
    const settle = (decision: Decision): void => {
      timer.cancel();
      resolve(decision);
    };
    void ask(endpoint, request).then(settle);
  });
}

async function ask(endpoint: Endpoint, request: UpgradeRequest): Promise<Decision> {
  try {
    const data = await endpoint.authorize?.(request);
    if (!(data instanceof HandshakeRefusal)) return { kind: "accepted", data };
    return { kind: "refused", refusal: data };
  } catch (error) {
    if (error instanceof HandshakeRefusal) return { kind: "refused", refusal: error };
    reportFailure(endpoint, error, undefined);
    return { kind: "refused", refusal: FAILED };
  }
}

function chosen({ protocols = [] }: Endpoint, request: UpgradeRequest): string {
  if (typeof protocols === "function") return protocols(request) ?? "";
  return request.protocols.find((protocol) => protocols.includes(protocol)) ?? "";
}

const FAILED: Refusal = {
  status: 500,
  code: "internal",
  message: "The server failed on this handshake; try again later.",
  headers: [],
};

const TIMED_OUT: Refusal = {
  status: 503,
  code: "authorize_timeout",
  message: "The server took too long to decide on this handshake; try again later.",
  headers: [],
};

const TOO_LATE: Refusal = {
  status: 503,
  code: "draining",
  message: "The server is shutting down; connect again in a moment.",
  headers: [["Retry-After", "1"]],
};
