import { readable } from "svelte/store";
import type { Readable } from "./readable.ts";

/** A value, or a store whose later values take its place. */
export type MaybeStore<Value> = Value | Readable<Value>;

/** Returns a store with the value, unless it is one. A topic's name and params have no functions. */
export function storeOf<Value>(value: MaybeStore<Value>): Readable<Value> {
  return isStore(value) ? value : readable(value);
}

function isStore<Value>(value: MaybeStore<Value>): value is Readable<Value> {
  return value instanceof Object && "subscribe" in value && typeof value.subscribe === "function";
}
