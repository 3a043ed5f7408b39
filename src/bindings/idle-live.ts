import { LongwireError, type Feed, type Live, type LiveApi } from "../live/client/index.ts";

/** Returns a client without a connection: its feeds stay closed, and its requests are rejected. */
export function idleLive<Api extends LiveApi>(): Live<Api> {
  const stop = (): void => {};
  const feedOf = (name: string): Feed<never, unknown> => ({
    name,
    kind: undefined,
    status: { state: "closed" },
    position: undefined,
    entries: new Map(),
    version: 0,
    subscribe: () => stop,
    onChange: () => stop,
    async *[Symbol.asyncIterator]() {},
  });
  const live = {
    status: { state: "connecting" },
    onStatus: () => stop,
    topic: feedOf,
    presence: feedOf,
    publish: reject,
    set: reject,
    remove: reject,
    call: reject,
    reconnect: stop,
    close: stop,
  } satisfies { [Member in keyof Live]: unknown };
  // The part that the client's other entries use: handle, history, updatePresence.
  const inner = {
    newId: () => 0,
    requests: { ask: reject },
    settings: {},
    link: { isOpen: false },
  };
  // The API's types are those of names, data and params, of which this client uses none.
  return { ...live, ...inner } as unknown as Live<Api>;
}

function reject(): Promise<never> {
  const message =
    "This client was created with browserOnly on a server, so it has no connection; send the request in the browser, or connect on the server with connect().";
  return Promise.reject(new LongwireError("on_server", message));
}
