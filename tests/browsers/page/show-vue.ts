import { createApp, h } from "vue";
import type { Live } from "../../../src/live/client/index.ts";
import { useConnection, useTopic } from "../../../src/vue/index.ts";
import type { Api } from "../served-live.ts";
import { lineOf, place } from "./line-of.ts";

export function showVue(live: Live<Api>): () => void {
  const app = createApp({
    setup: () => {
      const connection = useConnection(live);
      const { entries, status } = useTopic(
        live,
        "devices",
        { deviceType: "AP" },
        { schedule: requestAnimationFrame },
      );
      return () => h("p", lineOf(connection.value.state, status.value.state, entries.value));
    },
  });
  app.mount(place("vue"));
  return () => app.unmount();
}
