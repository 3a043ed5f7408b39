import { connect, type LogItem } from "../../src/live/client/index.ts";
import { shareAmongTabs } from "../../src/live/tabs/index.ts";
import type { Api } from "./served-live.ts";

const live = connect<Api>(`ws://${location.host}/live`, {
  webSocket: shareAmongTabs(),
  backoff: { longestMs: 200 },
});
const devices = live.topic("devices");
const news: LogItem<string>[] = [];
const states: string[] = [];
live.onStatus(({ state }) => void states.push(state));
live.topic("news").subscribe((item) => void news.push(item));
devices.subscribe(() => {});

const inTab = { live, devices, news, states };

/** The functions that tests call in a tab. */
export type InTab = typeof inTab;

Object.assign(globalThis, { inTab });
