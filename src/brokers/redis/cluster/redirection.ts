import { ErrorReply } from "redis";
import { RefusedError } from "../../shared/engine-errors.ts";

/** A cluster's server did not run a command, because its keys are not there. */
export type Redirection =
  /** They are at this address; without a host, at another port of the same host. */
  | { kind: "moved"; host: string; port: number }
  /** They are being migrated. */
  | { kind: "moving" };

export function redirectionOf(error: unknown): Redirection | undefined {
  const reply = replyOf(error);
  // A script has several keys, of which some never exist. While its slot is being migrated, it runs
  // neither here nor, after `ASKING`, at the other server. Later the slot has moved.
  if (/^(ASK|TRYAGAIN) /.test(reply)) return { kind: "moving" };
  const [, host, port] = /^MOVED \d+ (.*):(\d+)$/.exec(reply) ?? [];
  return host === undefined ? undefined : { kind: "moved", host, port: Number(port) };
}

/** Whether a cluster does not know where a slot is, or lacks the servers to decide. */
export function isClusterDown(error: unknown): boolean {
  return replyOf(error).startsWith("CLUSTERDOWN ");
}

function replyOf(error: unknown): string {
  if (error instanceof RefusedError) return error.answer;
  return error instanceof ErrorReply ? error.message : "";
}
