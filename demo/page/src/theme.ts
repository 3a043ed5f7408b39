import { ref } from "vue";
import type { Ref } from "vue";
import { storeChoice, storedChoice } from "./stored-choice.ts";

export type Theme = "system" | "light" | "dark";
export const themes: readonly Theme[] = ["system", "light", "dark"];

const key = "longwire.theme";
const darkSystem = matchMedia("(prefers-color-scheme: dark)");

export const theme: Ref<Theme> = ref(storedChoice(key, themes) ?? "system");
/** Incremented when the colours change, for drawings that CSS does not reach. */
export const paint: Ref<number> = ref(0);

export function chooseTheme(chosen: Theme): void {
  theme.value = chosen;
  storeChoice(key, chosen);
  apply();
}

function apply(): void {
  document.documentElement.dataset["theme"] = theme.value;
  paint.value += 1;
}

darkSystem.addEventListener("change", () => (paint.value += 1));
apply();
