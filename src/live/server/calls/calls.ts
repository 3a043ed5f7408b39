import type { Clock, TimerWheel } from "../../../base/index.ts";
import {
  type Authority,
  callApplication,
  type JsonPart,
  LiveError,
  type LiveErrorCode,
  type Params,
  parsed,
  quoted,
  type Report,
  validate,
} from "../../../topics/index.ts";
import type { Methods, MethodDeclaration } from "../../live-api.ts";
import { payerOf, shownCaller, type Caller } from "../sessions/caller.ts";
import { inTime } from "../access/in-time.ts";
import type { Diagnostics } from "../observing/diagnostics.ts";
import { heldByRequest } from "../access/paying.ts";
import { permit } from "../access/permit.ts";
import { RunningCall } from "./running-call.ts";
import { RememberedCalls } from "./remembered-calls.ts";

export interface CallRequest {
  method: string;
  /** Not parsed yet. */
  params: JsonPart | undefined;
  idempotencyKey: string | undefined;
}

/** Runs the calls that clients make. */
export class Calls {
  readonly #methods: Methods;
  readonly #fallback: Authority;
  readonly #clock: Clock;
  readonly #wheel: TimerWheel;
  readonly #timeoutMs: number;
  readonly #diagnostics: Diagnostics;
  readonly #report: Report;
  readonly #remembered: RememberedCalls;
  /** By the promise of the result, which the repeats of a call share. */
  readonly #byAnswer = new WeakMap<Promise<string>, RunningCall>();
  /** Those that are of no use once their connection has ended, by its name. */
  readonly #running = new Map<string, Set<RunningCall>>();

  constructor(
    methods: Methods,
    fallback: Authority,
    time: { clock: Clock; wheel: TimerWheel; timeoutMs: number },
    { diagnostics, report }: { diagnostics: Diagnostics; report: Report },
  ) {
    this.#methods = methods;
    this.#fallback = fallback;
    this.#clock = time.clock;
    this.#wheel = time.wheel;
    this.#timeoutMs = time.timeoutMs;
    this.#diagnostics = diagnostics;
    this.#report = report;
    this.#remembered = new RememberedCalls(time.clock);
  }

  /** Aborts the calls of a connection that has ended, unless it may repeat them. */
  onConnectionEnded(connection: string): void {
    const running = this.#running.get(connection);
    if (running === undefined) return;
    this.#running.delete(connection);
    const message = "The connection that made the call has ended; nobody receives the result.";
    for (const call of running) call.abort(new LiveError("unavailable", message));
  }

  /** Forgets results that can no longer be asked for. */
  tidy(): void {
    this.#remembered.tidy();
  }

  /**
   * Runs a call, or returns the result of an earlier one with the same idempotency key, as JSON.
   *
   * @throws LiveError as a rejection, and what the method throws
   */
  async make(request: CallRequest, caller: Caller): Promise<string> {
    // Diagnostics get declared names only, because clients could make up any number of others.
    const declared = this.#find(request.method);
    const startedAt = this.#clock.now();
    try {
      const answer = await this.#make(declared, request, caller);
      this.#publish(request.method, startedAt, undefined);
      return answer;
    } catch (error) {
      this.#publish(
        request.method,
        startedAt,
        error instanceof LiveError ? error.code : "internal",
      );
      throw error;
    }
  }

  #publish(method: string, startedAt: number, code: LiveErrorCode | undefined): void {
    const durationMs = this.#clock.now() - startedAt;
    this.#diagnostics.publish("call", () => ({ method, durationMs, code }));
  }

  async #make(declared: MethodDeclaration, request: CallRequest, caller: Caller): Promise<string> {
    const { idempotencyKey, method } = request;
    // Parsed params take many times the memory of their text, and a method holds them until it
    // ends.
    const release = heldByRequest(caller, request.params?.parsedBytes ?? 0);
    let hasBegun = false;
    const { timeoutMs = this.#timeoutMs } = declared;
    const running = new RunningCall(caller);
    try {
      const params = await this.#permitted(declared, request, caller);
      const call = (): Promise<string> => {
        hasBegun = true;
        const forget =
          idempotencyKey === undefined ? this.#watch(caller.connection, running) : undefined;
        const made = run(method, declared, { params, running }).finally(() => {
          release();
          forget?.();
        });
        this.#byAnswer.set(made, running);
        return made;
      };
      const once = JSON.stringify([caller.identity?.id, method, idempotencyKey]);
      const answer =
        idempotencyKey === undefined ? call() : this.#remembered.once(payerOf(caller), once, call);
      this.#byAnswer.get(answer)?.onWaiting();
      // A repeat of a call that timed out waits for the same run, so that it does not run twice.
      return await inTime(answer, {
        wheel: this.#wheel,
        timeoutMs,
        late: () => {
          const late = tookTooLong(method, timeoutMs);
          this.#byAnswer.get(answer)?.onGivenUp(late);
          return late;
        },
        onTooLate: (error) => {
          if (!(error instanceof LiveError)) this.#report(error);
        },
      });
    } finally {
      if (!hasBegun) release();
    }
  }

  /** Returns a function that forgets it. */
  #watch(connection: string, call: RunningCall): () => void {
    const running = this.#running.get(connection) ?? new Set();
    this.#running.set(connection, running.add(call));
    return () => {
      running.delete(call);
      if (running.size === 0 && this.#running.get(connection) === running) {
        this.#running.delete(connection);
      }
    };
  }

  /**
   * Validates the params and the permission. @throws LiveError `forbidden`, `invalid_params`, ...
   */
  async #permitted(
    declared: MethodDeclaration,
    { method, params }: CallRequest,
    caller: Caller,
  ): Promise<unknown> {
    const given = params && parsed(params, { name: "params", code: "invalid_params" });
    await permit([declared, this.#fallback], {
      caller,
      action: "call",
      target: method,
      params: paramsOf(given),
    });
    const valid = validate(
      declared.params,
      given,
      () => `The params schema of the method ${quoted(method)}`,
    );
    if (valid.kind === "invalid") throw new LiveError("invalid_params", valid.message);
    return valid.value;
  }

  #find(name: string): MethodDeclaration {
    const declared = Object.hasOwn(this.#methods, name) ? this.#methods[name] : undefined;
    if (declared !== undefined) return declared;
    const shown = JSON.stringify(name.slice(0, 50));
    throw new LiveError("unknown_method", `There is no method ${shown}; check its name.`);
  }
}

/** Calls a method and serializes its result as JSON. */
async function run(
  method: string,
  declared: MethodDeclaration,
  { params, running }: { params: unknown; running: RunningCall },
): Promise<string> {
  return callApplication(
    () => ({
      name: `The method ${quoted(method)}`,
      occasion: `on a call by ${shownCaller(running)}`,
    }),
    async () => JSON.stringify(await declared.handle(params, running)) ?? "null",
  );
}

function tookTooLong(method: string, timeoutMs: number): LiveError {
  const message = `${method} took longer than ${timeoutMs} ms; it may still complete. Check before you call again.`;
  // Not `unavailable`: the client would retry that automatically, and the call would run twice.
  return new LiveError("internal", message);
}

/** Converts a call's params, which may be any JSON, to the form that authorities receive. */
function paramsOf(params: unknown): Params {
  const isObject = typeof params === "object" && params !== null && !Array.isArray(params);
  return isObject ? (params as Params) : {};
}
