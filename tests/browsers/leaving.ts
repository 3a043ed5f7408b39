import { connect, type ConnectOptions } from "../../src/live/client/index.ts";
import { savePositions } from "../../src/live/client/positions/index.ts";
import { shareAmongTabs } from "../../src/live/tabs/index.ts";
import type { Api } from "./served-live.ts";

/** The functions that tests of stopping pages call in a page. */
const inLeaving = {
  connect: (options?: ConnectOptions) => connect<Api>(`ws://${location.host}/live`, options),
  /** For a frame whose own location has no host. */
  connectShared: (url: string) =>
    connect<Api>(url, {
      webSocket: shareAmongTabs(),
      positions: savePositions({
        load: (name) => JSON.parse(localStorage.getItem(name) ?? "null"),
        save: (name, position) => localStorage.setItem(name, JSON.stringify(position)),
      }),
    }),
};

export type InLeaving = typeof inLeaving;

Object.assign(globalThis, { inLeaving });
