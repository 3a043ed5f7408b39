import type { Device } from "../served-live.ts";

/** A topic as one line of text, the same for all bindings. */
export function lineOf(
  connection: string,
  status: string,
  entries: ReadonlyMap<string, Device>,
): string {
  const devices = [...entries].map(([name, { clients }]) => `${name}=${clients}`);
  return [connection, status, ...devices.sort()].join(" ");
}

export function place(id: string): HTMLElement {
  return document.querySelector<HTMLElement>(`#${id}`)!;
}
