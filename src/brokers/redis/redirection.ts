import { ErrorReply } from "redis";
import { RefusedError } from "../shared/engine-errors.ts";

/** A server of a cluster has done nothing of a command, for its keys are not here. */
export type Redirection =
  /** They are there; without a host it is another port of the same one. */
  | { kind: "moved"; host: string; port: number }
  /** They are on their way. */
  | { kind: "moving" };

export function redirectionOf(error: unknown): Redirection | undefined {
  const reply = replyOf(error);
  // A script has several keys, and some are never there: while its slot is on the way it is done
  // neither here nor, asked as `ASK` says, at the other end. Later it has moved.
  if (/^(ASK|TRYAGAIN) /.test(reply)) return { kind: "moving" };
  const [, host, port] = /^MOVED \d+ (.*):(\d+)$/.exec(reply) ?? [];
  return host === undefined ? undefined : { kind: "moved", host, port: Number(port) };
}

/** Whether a cluster does not know where a slot is, or has not enough servers to say. */
export function isClusterDown(error: unknown): boolean {
  return replyOf(error).startsWith("CLUSTERDOWN ");
}

function replyOf(error: unknown): string {
  if (error instanceof RefusedError) return error.answer;
  return error instanceof ErrorReply ? error.message : "";
}
