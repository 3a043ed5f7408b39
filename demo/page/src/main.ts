import { createApp } from "vue";
import App from "./App.vue";
import { startLive } from "./live/page-live.ts";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./theme.ts";

createApp(App).mount("#app");
startLive();
