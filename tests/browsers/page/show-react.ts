import { createElement, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import type { Live } from "../../../src/live/client/index.ts";
import { useConnection, useTopic } from "../../../src/react/index.ts";
import type { Api } from "../served-live.ts";
import { lineOf, place } from "./line-of.ts";

export function showReact(live: Live<Api>): () => void {
  const Devices = () => {
    const { state } = useConnection(live);
    const { entries, status } = useTopic(
      live,
      "devices",
      { deviceType: "AP" },
      { schedule: requestAnimationFrame },
    );
    return createElement("p", null, lineOf(state, status.state, entries));
  };
  const root = createRoot(place("react"));
  root.render(createElement(StrictMode, null, createElement(Devices)));
  return () => root.unmount();
}
