import { connect } from "../../../src/live/client/index.ts";
import type { Api } from "../served-live.ts";
import { showReact } from "./show-react.ts";
import { showSvelte } from "./show-svelte.ts";
import { showVue } from "./show-vue.ts";

const tools = {
  connect: () => connect<Api>(`ws://${location.host}/live`, { backoff: { longestMs: 200 } }),
  showVue,
  showReact,
  showSvelte,
};

/** The functions that tests call in the page, as `inPage.tools`. */
export type PageTools = typeof tools;

Object.assign(globalThis, { inPage: { tools } });
