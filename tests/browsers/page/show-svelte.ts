import { derived } from "svelte/store";
import type { Live } from "../../../src/live/client/index.ts";
import { connectionStore, topicStore } from "../../../src/svelte/index.ts";
import type { Api } from "../served-live.ts";
import { lineOf, place } from "./line-of.ts";

export function showSvelte(live: Live<Api>): () => void {
  const schedule = requestAnimationFrame;
  const devices = topicStore(live, "devices", { deviceType: "AP" }, { schedule });
  const line = derived([connectionStore(live), devices], ([{ state }, { status, entries }]) =>
    lineOf(state, status.state, entries),
  );
  return line.subscribe((text) => (place("svelte").textContent = text));
}
