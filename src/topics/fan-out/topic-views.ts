import { ApplicationError, isStrayPromise, oneLine, quoted } from "../application-error.ts";
import { canonicalJson } from "../../base/index.ts";
import type { TopicAddress } from "./encoding.ts";
import {
  MAX_ALL_OPAQUE_PARAMS_LENGTH,
  MAX_ALL_PARAMS_LENGTH,
  MAX_OPAQUE_VIEWS,
  MAX_PARAMS_LENGTH,
  MAX_VIEWS,
} from "../limits.ts";
import { LiveError } from "../live-error.ts";
import { requireFewParams } from "../matching/few-params.ts";
import { matchFields } from "../matching/match-fields.ts";
import { compileParams, nameOf, type Narrowing } from "../matching/narrowing.ts";
import { ViewRoutes } from "../matching/view-routes.ts";
import { validate } from "../declaration/standard-schema.ts";
import type { Params } from "../declaration/params.ts";
import type { TopicDeclaration } from "../declaration/topic-declaration.ts";
import type { TopicEvent } from "../event.ts";
import { viewId, WHOLE_VIEW } from "./view-id.ts";
import { View, type ViewHost } from "./view.ts";

/** Below this number of views, none is dropped. */
const SWEEP_FROM = 100;

/** The name of the view without params for an application's `match`. */
const NO_PARAMS = "{}";

/** The resources that the views of a topic share. */
export type ViewSource = Pick<ViewHost, "keyed" | "log" | "indexes" | "pages" | "lanes"> & {
  readonly address: TopicAddress;
  readonly declaration: TopicDeclaration;
  /** Receives what `match` throws. */
  readonly report: (cause: unknown) => void;
};

/** The views of a topic's log: created on demand, and only asked about events that may match. */
export class TopicViews {
  readonly #source: ViewSource;
  readonly #host: ViewHost;
  readonly #views = new Map<string, View>();
  readonly #routes: ViewRoutes<View>;
  readonly #maxViews: number;
  readonly #maxParamsLength: number;
  /** The total length of the views' params as JSON. */
  #paramsLength = 0;
  /** The number of views at which unused ones are dropped. */
  #sweepAt = SWEEP_FROM;
  #used = 0;
  #eventCount = 0;
  #asked = 0;

  constructor(source: ViewSource) {
    this.#source = source;
    const opaque = isOpaque(source.declaration);
    this.#maxViews = opaque ? MAX_OPAQUE_VIEWS : MAX_VIEWS;
    this.#maxParamsLength = opaque ? MAX_ALL_OPAQUE_PARAMS_LENGTH : MAX_ALL_PARAMS_LENGTH;
    this.#routes = new ViewRoutes((pair) => source.indexes?.count(pair));
    this.#host = this.#hostFor(source);
  }

  get size(): number {
    return this.#views.size;
  }

  /** The number of views with readers. */
  get used(): number {
    return this.#used;
  }

  /** How often a view was asked about an event. */
  get asked(): number {
    return this.#asked;
  }

  /** Passes a new event to the views that may have it. `replaced` is the key's previous event. */
  take(event: TopicEvent, replaced: TopicEvent | undefined): void {
    this.#eventCount += 1;
    this.#routes.visit(event, replaced, (view) => {
      this.#asked += 1;
      view.take(event, replaced);
    });
  }

  /**
   * Returns the view for `params`; equal params share a view.
   *
   * @throws LiveError `invalid_params`, `unavailable`
   */
  view(params: Params): View {
    const given = this.#checked(params);
    const valid = validate(
      this.#source.declaration.params,
      params,
      () => `The params schema of the topic ${this.#declaredName}`,
    );
    if (valid.kind === "invalid") throw new LiveError("invalid_params", valid.message);
    const { name, narrowing } = this.#narrow(given, valid.value as Params);
    const view = this.#views.get(name) ?? this.#make(name, narrowing);
    view.wake();
    return view;
  }

  /** The topic's name in quotes; for a topic of a pattern, the pattern. */
  get #declaredName(): string {
    const { pattern, name } = this.#source.declaration;
    return quoted(pattern ?? name);
  }

  /** Ends all views; their readers receive nothing more. */
  end(): void {
    for (const view of this.#views.values()) {
      view.end();
      view.sleep();
    }
    this.#views.clear();
  }

  /**
   * Returns the params as JSON; empty if the topic cannot be narrowed, because all params are equal
   * then.
   */
  #checked(params: Params): string {
    if (this.#source.declaration.match === undefined) return "";
    requireFewParams(Object.keys(params).length);
    const json = canonicalJson(params);
    if (json !== undefined && json.length <= MAX_PARAMS_LENGTH) return json;
    const message = `The params are too long or too deeply nested; the limit is ${MAX_PARAMS_LENGTH} characters of JSON.`;
    throw new LiveError("invalid_params", message);
  }

  /** @param given the params as received, because the output of a schema need not be JSON */
  #narrow(given: string, params: Params): { name: string; narrowing: Narrowing } {
    switch (kindOf(this.#source.declaration)) {
      case "all":
        return { name: "", narrowing: { kind: "all" } };
      case "opaque":
        return { name: given, narrowing: { kind: "opaque", matches: this.#matcher(params) } };
      case "fields": {
        const narrowing = this.#compiled(params);
        return { name: nameOf(narrowing), narrowing };
      }
    }
  }

  #compiled(params: Params): ReturnType<typeof compileParams> {
    try {
      return compileParams(params);
    } catch (error) {
      // The schema has produced something that has no fields or cannot be compared as text.
      const name = `The params schema of the topic ${this.#declaredName}`;
      this.#source.report(new ApplicationError({ name, occasion: "on params" }, error));
      return { kind: "none" };
    }
  }

  /**
   * If `match` throws, the event does not match. It is reported once, because each event would
   * throw.
   */
  #matcher(params: Params): (event: TopicEvent) => boolean {
    const { declaration, report } = this.#source;
    let hasThrown = false;
    return (event) => {
      try {
        const isMatch: unknown = declaration.match?.(params, event) ?? true;
        // A promise is truthy, so everything would match.
        if (isStrayPromise(isMatch)) throw new Error("it returned a promise; return a boolean");
        return Boolean(isMatch);
      } catch (error) {
        const name = `match of the topic ${this.#declaredName}`;
        const occasion = `on the event ${event.offset} of ${quoted(declaration.name)} for the params ${shownParams(params)}`;
        if (!hasThrown) report(new ApplicationError({ name, occasion }, error));
        hasThrown = true;
        return false;
      }
    };
  }

  #make(name: string, narrowing: Narrowing): View {
    this.#makeRoom(name.length);
    const { address, keyed, declaration } = this.#source;
    const isNarrowed = narrowing.kind !== "all" && name !== NO_PARAMS;
    const id = isNarrowed ? viewId(name) : WHOLE_VIEW;
    // A reader of a log topic has no state that could be incomplete.
    const canDiffer = keyed && declaration.match !== undefined;
    const named = { ...address, view: canDiffer ? id : undefined };
    const view = new View(named, narrowing, this.#host);
    this.#views.set(name, view);
    this.#paramsLength += name.length;
    return view;
  }

  #makeRoom(length: number): void {
    if (!this.#isFull(length) && this.#views.size < this.#sweepAt) return;
    for (const [name, view] of this.#views) if (view.isUnused) this.#drop(name, view);
    // Doubling keeps the average cost of a new view constant, although a sweep checks all views.
    this.#sweepAt = Math.max(SWEEP_FROM, this.#views.size * 2);
    if (!this.#isFull(length)) return;
    const { name } = this.#source.address;
    const message = `${name} is narrowed in ${this.#views.size} ways already; use params that others use too.`;
    throw new LiveError("unavailable", message);
  }

  #isFull(length: number): boolean {
    const isTooLong = this.#paramsLength + length > this.#maxParamsLength;
    return this.#views.size >= this.#maxViews || isTooLong;
  }

  #drop(name: string, view: View): void {
    this.#views.delete(name);
    this.#paramsLength -= name.length;
    view.sleep();
  }

  #hostFor({ keyed, log, indexes, pages, lanes }: ViewSource): ViewHost {
    const eventCount = (): number => this.#eventCount;
    return {
      keyed,
      log,
      indexes,
      pages,
      lanes,
      get eventCount() {
        return eventCount();
      },
      watch: (view) => this.#routes.add(view),
      unwatch: (view) => this.#routes.delete(view),
      onUsed: (isUsed) => (this.#used += isUsed ? 1 : -1),
    };
  }
}

/** Describes params in a report; a schema may have turned them into anything. */
function shownParams(params: Params): string {
  try {
    return oneLine(JSON.stringify(params) ?? "undefined").slice(0, 100);
  } catch {
    return `of type ${typeof params}`;
  }
}

/** Whether `match` is a function of the application, which needs parsed events. */
export function isOpaque(declaration: TopicDeclaration): boolean {
  return kindOf(declaration) === "opaque";
}

/** How a topic is narrowed: not at all, by `matchFields`, or by a function of the application. */
function kindOf(declaration: TopicDeclaration): "all" | "fields" | "opaque" {
  if (declaration.match === undefined) return "all";
  return declaration.match === matchFields ? "fields" : "opaque";
}
