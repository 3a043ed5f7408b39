import { createApp } from "vue";
import App from "./App.vue";
import { startClock } from "./live/now.ts";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./theme.ts";

createApp(App).mount("#app");
startClock();
