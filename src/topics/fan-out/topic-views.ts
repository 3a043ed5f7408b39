import { ApplicationError, isStrayPromise, oneLine, quoted } from "../application-error.ts";
import { canonicalJson } from "../../base/index.ts";
import type { TopicAddress } from "./encoding.ts";
import {
  MAX_ALL_OPAQUE_PARAMS_LENGTH,
  MAX_ALL_PARAMS_LENGTH,
  MAX_OPAQUE_VIEWS,
  MAX_PARAMS,
  MAX_PARAMS_LENGTH,
  MAX_VIEWS,
} from "../limits.ts";
import { LiveError } from "../live-error.ts";
import { matchFields } from "../matching/match-fields.ts";
import { compileParams, nameOf, type Narrowing } from "../matching/narrowing.ts";
import { ViewRoutes } from "../matching/view-routes.ts";
import { validate } from "../declaration/standard-schema.ts";
import type { Params, TopicDeclaration } from "../declaration/topic-declaration.ts";
import type { TopicEvent } from "../event.ts";
import { viewId, WHOLE_VIEW } from "./view-id.ts";
import { View, type ViewHost } from "./view.ts";

/** With fewer views than this none is dropped. */
const SWEEP_FROM = 100;

/** The name of the view that a function of the application is given no params for. */
const NO_PARAMS = "{}";

/** What the views of a topic share, beside what they do for each other. */
export type ViewSource = Pick<ViewHost, "keyed" | "log" | "indexes" | "pages" | "lanes"> & {
  readonly address: TopicAddress;
  readonly declaration: TopicDeclaration;
  /** Takes what `match` throws. */
  readonly report: (cause: unknown) => void;
};

/** The views of a topic's log: made when first asked for, and asked about the events they may have. */
export class TopicViews {
  readonly #source: ViewSource;
  readonly #host: ViewHost;
  readonly #views = new Map<string, View>();
  readonly #routes: ViewRoutes<View>;
  readonly #maxViews: number;
  readonly #maxParamsLength: number;
  /** How long the names of all views are, which are their params. */
  #paramsLength = 0;
  /** From how many views on the unused ones are looked for. */
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

  /** How many have readers. */
  get used(): number {
    return this.#used;
  }

  /** How often a view was asked about an event. */
  get asked(): number {
    return this.#asked;
  }

  /** Shows a new event to the views that it may concern. `replaced` is what its key had before. */
  take(event: TopicEvent, replaced: TopicEvent | undefined): void {
    this.#eventCount += 1;
    this.#routes.visit(event, replaced, (view) => {
      this.#asked += 1;
      view.take(event, replaced);
    });
  }

  /**
   * Returns the view for `params`, shared by all who give equal ones.
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

  /** In quotes; of a pattern the pattern. */
  get #declaredName(): string {
    const { pattern, name } = this.#source.declaration;
    return quoted(pattern ?? name);
  }

  /** Tells all readers that nothing more comes. */
  end(): void {
    for (const view of this.#views.values()) {
      view.end();
      view.sleep();
    }
    this.#views.clear();
  }

  /** The params as JSON; empty where nothing is narrowed, since all params are equal then. */
  #checked(params: Params): string {
    if (this.#source.declaration.match === undefined) return "";
    if (Object.keys(params).length > MAX_PARAMS) {
      const message = `The params have more than ${MAX_PARAMS} names, the limit; narrow by fewer.`;
      throw new LiveError("invalid_params", message);
    }
    const json = canonicalJson(params);
    if (json !== undefined && json.length <= MAX_PARAMS_LENGTH) return json;
    const message = `The params are too long or too deep; ${MAX_PARAMS_LENGTH} characters of JSON are the limit.`;
    throw new LiveError("invalid_params", message);
  }

  /** @param given the params as they came: what a schema made of them need not be JSON */
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
      // A schema has made something of them that has no fields, or no text.
      const name = `The params schema of the topic ${this.#declaredName}`;
      this.#source.report(new ApplicationError({ name, occasion: "on params" }, error));
      return { kind: "none" };
    }
  }

  /** What throws matches nothing; it is reported once, since each event would throw again. */
  #matcher(params: Params): (event: TopicEvent) => boolean {
    const { declaration, report } = this.#source;
    let hasThrown = false;
    return (event) => {
      try {
        const isMatch: unknown = declaration.match?.(params, event) ?? true;
        // A promise is truthy: everything would match.
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
    // Of a log topic a reader has no state that could lack something.
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
    // Twice as many as are in use: so a new view costs no look at all the others.
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

/** Params in a report; a schema may have made anything of them. */
function shownParams(params: Params): string {
  try {
    return oneLine(JSON.stringify(params) ?? "undefined").slice(0, 100);
  } catch {
    return `of type ${typeof params}`;
  }
}

/** Whether its events have to be parsed, and shown to a function of the application. */
export function isOpaque(declaration: TopicDeclaration): boolean {
  return kindOf(declaration) === "opaque";
}

/** How a topic is narrowed: not at all, by `matchFields`, or by a function of the application. */
function kindOf(declaration: TopicDeclaration): "all" | "fields" | "opaque" {
  if (declaration.match === undefined) return "all";
  return declaration.match === matchFields ? "fields" : "opaque";
}
