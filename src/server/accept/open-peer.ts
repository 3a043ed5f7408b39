import { LongwireError, type LedgerPayer, type Payer, type TimerWheel } from "../../base/index.ts";
import type { DeflateCompression } from "../../node/index.ts";
import { formatExtensions, type Opening, type Refusal } from "../../protocol/index.ts";
import type { Endpoint } from "../endpoint.ts";
import { plainFrames } from "../peer/frame-format.ts";
import type { HandshakeCarrier } from "./handshake-carrier.ts";
import { HandshakeRefusal } from "./handshake-refusal.ts";
import { foreignHost, isHostAllowed, type HostPolicy } from "./host-policy.ts";
import { foreignOrigin, isOriginAllowed } from "./origin-policy.ts";
import { tooManyConnections, type Payers } from "./payers.ts";
import { reportFailure, ServerPeer, type PeerHost } from "../peer/server-peer.ts";
import type { UpgradeRequest } from "./upgrade-request.ts";

export interface Arrival {
  endpoint: Endpoint;
  carrier: HandshakeCarrier;
  host: PeerHost;
  /** `undefined` if messages are never compressed. */
  compression: DeflateCompression | undefined;
  wheel: TimerWheel;
  timeoutMs: number;
  hosts: HostPolicy;
  payers: Payers;
  /** Whether the server no longer accepts peers. */
  isTooLate: () => boolean;
  /** Called once the handshake is accepted, refused or abandoned. */
  onDecided: () => void;
  /** Called when a page's handshake is refused because of its origin. */
  onForeignOrigin: (origin: string | undefined) => void;
}

/** Turns a handshake into a peer, or refuses it. Never rejects. */
export async function openPeer(arrival: Arrival): Promise<void> {
  const { carrier, endpoint, payers } = arrival;
  let payer: LedgerPayer | undefined;
  try {
    const result = carrier.check();
    if (result.kind === "refusal") return carrier.refuse(result.refusal);
    if (!isHostAllowed(arrival.hosts, carrier.host))
      return carrier.refuse(foreignHost(carrier.host));
    const { request } = result;
    request.clientAddress = payers.addressOf(request);
    // A handshake counts as a connection while it waits for `authorize`.
    payer = payers.of(request);
    payer.join();
    if (!payers.hasPlace(payer)) return carrier.refuse(tooManyConnections());
    const asked = decide(arrival, request);
    const decision = asked instanceof Promise ? await asked : asked;
    if (decision.kind === "refused") return carrier.refuse(decision.refusal);
    if (carrier.isOver) return carrier.destroy();
    if (arrival.isTooLate()) return carrier.refuse(TOO_LATE);
    accept(arrival, { ...decision, ...result, payer });
  } catch (cause) {
    // Nothing awaits this promise, so a rejection would end the process.
    reportFailure(endpoint, cause, undefined);
    carrier.destroy();
  } finally {
    payer?.leave();
    arrival.onDecided();
  }
}

interface Decided {
  data: unknown;
  /** The chosen subprotocol, or `""`. */
  protocol: string;
}

function accept(
  { endpoint, carrier, host, compression }: Arrival,
  {
    data,
    protocol,
    opening,
    request,
    payer,
  }: Decided & { opening: Opening; request: UpgradeRequest; payer: Payer },
): void {
  const deflate = compression?.accept(opening.extensions);
  const codec = deflate && compression?.codec("server", deflate.parameters);
  const frameFormat = codec?.frames ?? plainFrames;
  const extensions = deflate && formatExtensions([deflate.response]);
  const transport = carrier.accept({ protocol, extensions });
  const peer = new ServerPeer(
    transport,
    { endpoint, data, protocol, codec, frameFormat, payer },
    host,
  );
  host.onArrived(peer);
  peer.opened(request);
  peer.start(carrier.head);
}

type Decision = ({ kind: "accepted" } & Decided) | { kind: "refused"; refusal: Refusal };

/** Asks the application for its decision, within the time limit of a handshake. */
function decide(arrival: Arrival, request: UpgradeRequest): Decision | Promise<Decision> {
  const { endpoint, carrier } = arrival;
  try {
    if (!isOriginAllowed(endpoint.origins ?? "same", request.origin, carrier.host)) {
      arrival.onForeignOrigin(request.origin);
      return { kind: "refused", refusal: foreignOrigin(request.origin) };
    }
    const data: unknown = endpoint.authorize?.(request);
    // Most applications decide synchronously and need no timer.
    if (!isThenable(data)) return decided(endpoint, request, data);
    return decidedInTime(arrival, request, data);
  } catch (error) {
    return failed(endpoint, error);
  }
}

function decidedInTime(
  { endpoint, wheel, timeoutMs }: Arrival,
  request: UpgradeRequest,
  data: PromiseLike<unknown>,
): Promise<Decision> {
  return new Promise((resolve) => {
    const timer = wheel.after(timeoutMs, () => resolve({ kind: "refused", refusal: TIMED_OUT }));
    void Promise.resolve(data)
      .then((settled) => decided(endpoint, request, settled))
      .catch((error: unknown) => failed(endpoint, error))
      .then((decision) => {
        timer.cancel();
        resolve(decision);
      });
  });
}

function decided(endpoint: Endpoint, request: UpgradeRequest, data: unknown): Decision {
  if (data instanceof HandshakeRefusal) return { kind: "refused", refusal: data };
  return { kind: "accepted", data, protocol: chosenProtocol(endpoint, request) };
}

function failed(endpoint: Endpoint, error: unknown): Decision {
  if (error instanceof HandshakeRefusal) return { kind: "refused", refusal: error };
  reportFailure(endpoint, error, undefined);
  return { kind: "refused", refusal: FAILED };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}

/**
 * @throws LongwireError `invalid_protocol` if the client did not offer the chosen one, because
 *   clients must reject it
 */
function chosenProtocol({ protocols = [] }: Endpoint, request: UpgradeRequest): string {
  if (typeof protocols !== "function") {
    return request.protocols.find((protocol) => protocols.includes(protocol)) ?? "";
  }
  const chosen = protocols(request) ?? "";
  if (chosen === "" || request.protocols.includes(chosen)) return chosen;
  const message = `The endpoint chose the subprotocol ${JSON.stringify(chosen)}, which the client did not offer; return one of request.protocols, or undefined.`;
  throw new LongwireError("invalid_protocol", message);
}

const FAILED: Refusal = {
  status: 500,
  code: "internal",
  message: "The server failed to handle the handshake; try again later.",
  headers: [],
};

const TIMED_OUT: Refusal = {
  status: 503,
  code: "authorize_timeout",
  message: "The server did not decide on the handshake in time; try again later.",
  headers: [],
};

const TOO_LATE: Refusal = {
  status: 503,
  code: "draining",
  message: "The server is shutting down; connect again in a moment.",
  headers: [["Retry-After", "1"]],
};
