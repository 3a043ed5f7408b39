import type { TopicEvent } from "../event.ts";
import { forEachMember } from "../json/members.ts";
import { textAt } from "./field-texts.ts";
import type { FieldPair, Narrowing } from "./narrowing.ts";

/** A route target with its narrowing. */
export interface Routed {
  readonly narrowing: Narrowing;
}

/** Returns how many events have a pair now, if known. */
export type CountOf = (pair: FieldPair) => number | undefined;

/**
 * Finds the views that must be asked about a new event.
 *
 * A narrowed view is registered under one of its pairs only, so an event finds the views that may
 * concern it by its own fields, however many other views exist.
 */
export class ViewRoutes<View extends Routed> {
  readonly #countOf: CountOf;
  /** Views that must be asked about each event. */
  readonly #always = new Set<View>();
  /** By field, then by text. */
  readonly #narrowed = new Map<string, Map<string, Set<View>>>();
  readonly #pairs = new Map<View, FieldPair>();

  constructor(countOf: CountOf) {
    this.#countOf = countOf;
  }

  add(view: View): void {
    const { narrowing } = view;
    if (narrowing.kind === "none" || this.#pairs.has(view)) return;
    if (narrowing.kind !== "fields") {
      this.#always.add(view);
      return;
    }
    const pair = this.#mostSelective(narrowing.pairs);
    this.#pairs.set(view, pair);
    const texts = this.#narrowed.get(pair.field) ?? new Map<string, Set<View>>();
    this.#narrowed.set(pair.field, texts);
    const views = texts.get(pair.text) ?? new Set();
    texts.set(pair.text, views.add(view));
  }

  delete(view: View): void {
    this.#always.delete(view);
    const pair = this.#pairs.get(view);
    if (pair === undefined) return;
    this.#pairs.delete(view);
    const texts = this.#narrowed.get(pair.field);
    const views = texts?.get(pair.text);
    views?.delete(view);
    if (views?.size === 0) texts?.delete(pair.text);
    if (texts?.size === 0) this.#narrowed.delete(pair.field);
  }

  /** Calls `visit` once for each view that `event`, or the one it replaced, may concern. */
  visit(event: TopicEvent, replaced: TopicEvent | undefined, visit: (view: View) => void): void {
    for (const view of this.#always) visit(view);
    if (this.#narrowed.size === 0) return;
    const found = new Set<View>();
    this.#find(event, found);
    // A view that had the key must learn that it is gone.
    if (replaced !== undefined) this.#find(replaced, found);
    for (const view of found) visit(view);
  }

  #find({ json, removed }: TopicEvent, found: Set<View>): void {
    if (removed) return;
    forEachMember(json, (field, start, end) => {
      const texts = this.#narrowed.get(field);
      const text = texts === undefined ? undefined : textAt(json, start, end);
      const views = text === undefined ? undefined : texts?.get(text);
      for (const view of views ?? []) found.add(view);
    });
  }

  #mostSelective(pairs: readonly FieldPair[]): FieldPair {
    let best: FieldPair | undefined;
    let fewestEvents = Infinity;
    let fewestViews = Infinity;
    for (const pair of pairs) {
      const events = this.#countOf(pair) ?? Infinity;
      const views = this.#narrowed.get(pair.field)?.get(pair.text)?.size ?? 0;
      const isBetter = events < fewestEvents || (events === fewestEvents && views < fewestViews);
      if (best !== undefined && !isBetter) continue;
      best = pair;
      fewestEvents = events;
      fewestViews = views;
    }
    return best!;
  }
}
