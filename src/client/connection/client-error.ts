import { LongwireError } from "../../base/index.ts";

export function blockedPort(url: URL): LongwireError {
  const message = `Port ${url.port} belongs to another service and is blocked; use another port.`;
  return new LongwireError("blocked_port", message);
}

/** @param signal if it was aborted, its reason becomes the error's cause */
export function aborted(signal?: AbortSignal): LongwireError {
  const message = "The connection was aborted before it was open.";
  const options = signal?.aborted === true ? { cause: signal.reason as unknown } : undefined;
  return new LongwireError("aborted", message, options);
}

export function lost(): LongwireError {
  const message = "The connection ended without a closing handshake; reconnect.";
  return new LongwireError("connection_lost", message);
}

export function unreadable(cause: unknown): LongwireError {
  const message =
    "The Blob could not be read, so it was not sent; send a Blob whose data still exists.";
  return new LongwireError("unreadable_blob", message, { cause });
}
