import { LongwireError } from "../../base/index.ts";

export function blockedPort(url: URL): LongwireError {
  const message = `Port ${url.port} belongs to another service and is blocked; use another port.`;
  return new LongwireError("blocked_port", message);
}

/** @param signal its reason is the error's cause, if it was aborted */
export function aborted(signal?: AbortSignal): LongwireError {
  const message = "The connection was given up before it was open.";
  const options = signal?.aborted === true ? { cause: signal.reason as unknown } : undefined;
  return new LongwireError("aborted", message, options);
}

export function lost(): LongwireError {
  const message = "The connection ended without a closing handshake. Reconnect.";
  return new LongwireError("connection_lost", message);
}

export function unreadable(cause: unknown): LongwireError {
  const message = "A Blob that was to be sent could not be read; send one that still exists.";
  return new LongwireError("unreadable_blob", message, { cause });
}
