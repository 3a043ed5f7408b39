import type { TLSSocket } from "node:tls";
import type { Destination } from "../http/destination.ts";
import { Dial } from "../dial/dial.ts";
import { failureOf } from "../failures.ts";
import { withHttp2 } from "./http2-opening.ts";
import { SharedSession } from "./http2-sessions.ts";
import type { OpenOptions } from "../open-options.ts";
import { placesOn, type Route } from "../route/route.ts";
import { TimeLimit } from "../time-limit.ts";
import { StreamOpener } from "../dial/stream-opener.ts";
import { turnsPerHost, type Turn } from "../route/turns-per-host.ts";

/**
 * Connects on behalf of all attempts that will share the session, so it continues if one of them
 * ends.
 *
 * @returns `undefined` if the server does not support WebSocket over HTTP/2
 * @throws LongwireError
 */
export async function openSharedSession(
  route: Route,
  destination: Destination,
  options: OpenOptions,
): Promise<SharedSession | undefined> {
  const dial = new Dial({ kind: "connecting", where: destination.url.host });
  const limit = new TimeLimit(options.handshakeTimeoutMs, () => dial.hangUp());
  let turn: Turn | undefined;
  await new Promise<void>((resolve) => {
    turn = turnsPerHost.take(placesOn(route), resolve);
  });
  limit.run();
  try {
    const stream = await new StreamOpener(dial, options).open(route, withHttp2(destination));
    return await SharedSession.open(`https://${destination.url.host}`, stream as TLSSocket);
  } catch (error) {
    dial.hangUp();
    throw failureOf(dial.step, destination.url, error);
  } finally {
    limit.stop();
    turn?.end();
  }
}
