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
import { RememberedCalls } from "./remembered-calls.ts";

export interface CallRequest {
  method: string;
  /** Not parsed yet. */
  params: JsonPart | undefined;
  idempotencyKey: string | undefined;
}

/** What clients can ask the server to do. */
export class Calls {
  readonly #methods: Methods;
  readonly #fallback: Authority;
  readonly #clock: Clock;
  readonly #wheel: TimerWheel;
  readonly #timeoutMs: number;
  readonly #diagnostics: Diagnostics;
  readonly #report: Report;
  readonly #remembered: RememberedCalls;

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

  /** Forgets answers that nobody can ask for again. */
  tidy(): void {
    this.#remembered.tidy();
  }

  /**
   * Makes a call, or finds that it was made before: its answer, as JSON.
   *
   * @throws LiveError as a rejection, and what the method throws
   */
  async make(request: CallRequest, caller: Caller): Promise<string> {
    // Only what is declared is told of: names that a client made up would be without end.
    const declared = this.#find(request.method);
    const startedAt = this.#clock.now();
    try {
      const answer = await this.#make(declared, request, caller);
      this.#tell(request.method, startedAt, undefined);
      return answer;
    } catch (error) {
      this.#tell(request.method, startedAt, error instanceof LiveError ? error.code : "internal");
      throw error;
    }
  }

  #tell(method: string, startedAt: number, code: LiveErrorCode | undefined): void {
    const durationMs = this.#clock.now() - startedAt;
    this.#diagnostics.tell("call", () => ({ method, durationMs, code }));
  }

  async #make(declared: MethodDeclaration, request: CallRequest, caller: Caller): Promise<string> {
    const { idempotencyKey, method } = request;
    // Params cost many times their text once they are parsed, and a method has them until it ends.
    const release = heldByRequest(caller, request.params?.parsedBytes ?? 0);
    let hasBegun = false;
    try {
      const params = await this.#permitted(declared, request, caller);
      const call = (): Promise<string> => {
        hasBegun = true;
        return run(method, declared, { params, caller }).finally(release);
      };
      const once = JSON.stringify([caller.identity?.id, method, idempotencyKey]);
      const answer =
        idempotencyKey === undefined ? call() : this.#remembered.once(payerOf(caller), once, call);
      // Who repeats a call that took too long waits for that one, and it is not made twice.
      return await inTime(answer, {
        wheel: this.#wheel,
        timeoutMs: this.#timeoutMs,
        late: () => tookTooLong(method, this.#timeoutMs),
        onTooLate: (error) => {
          if (!(error instanceof LiveError)) this.#report(error);
        },
      });
    } finally {
      if (!hasBegun) release();
    }
  }

  /** What the method is to be called with. @throws LiveError `forbidden`, `invalid_params`, ... */
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

/** Calls a method, and makes JSON of what it returns. */
async function run(
  method: string,
  declared: MethodDeclaration,
  { params, caller }: { params: unknown; caller: Caller },
): Promise<string> {
  const { identity, connection } = caller;
  return callApplication(
    () => ({
      name: `The method ${quoted(method)}`,
      occasion: `on a call by ${shownCaller(caller)}`,
    }),
    async () => JSON.stringify(await declared.handle(params, { identity, connection })) ?? "null",
  );
}

function tookTooLong(method: string, timeoutMs: number): LiveError {
  const message = `${method} took longer than ${timeoutMs} ms; it may still be done. Look before you call again.`;
  // Not `unavailable`: who is told that tries again by itself, and it would be done twice.
  return new LiveError("internal", message);
}

/** What an authority is shown of a call's params, which may be anything. */
function paramsOf(params: unknown): Params {
  const isObject = typeof params === "object" && params !== null && !Array.isArray(params);
  return isObject ? (params as Params) : {};
}
