import { computed, ref, watchEffect } from "vue";
import type { ComputedRef, Ref } from "vue";
import { preferredLanguage } from "./preferred-language.ts";
import type { Language } from "./preferred-language.ts";
import { quantitiesOf } from "./quantities.ts";
import type { Quantities } from "./quantities.ts";
import { storeChoice, storedChoice } from "./stored-choice.ts";
import { en } from "./texts/en.ts";
import type { Texts } from "./texts/en.ts";
import { zhCn } from "./texts/zh-cn.ts";

export const languages: readonly { readonly code: Language; readonly name: string }[] = [
  { code: "en", name: "English" },
  { code: "zh-CN", name: "简体中文" },
];

const key = "longwire.language";
const texts: Record<Language, Texts> = { en, "zh-CN": zhCn };

export const language: Ref<Language> = ref(
  storedChoice(key, ["en", "zh-CN"] as const) ??
    preferredLanguage(navigator.languages ?? [navigator.language]),
);

/** The texts and number formats of the current language. */
export const t: ComputedRef<Texts> = computed(() => texts[language.value]);
export const q: ComputedRef<Quantities> = computed(() => quantitiesOf(language.value));

export function chooseLanguage(chosen: Language): void {
  language.value = chosen;
  storeChoice(key, chosen);
}

watchEffect(() => {
  document.documentElement.lang = language.value;
});
