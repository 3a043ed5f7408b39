import type { Clock, Timer, TimerWheel } from "../../base/index.ts";
import type { Methods, MethodDeclaration } from "../live-api.ts";
import {
  IDEMPOTENCY_WINDOW_MS,
  MAX_REMEMBERED_CALLS,
  MAX_REMEMBERED_RESULT_LENGTH,
} from "../limits.ts";
import { LiveError } from "../live-error.ts";
import { validate } from "../standard-schema.ts";
import type { Authority, Params } from "../topic-declaration.ts";
import type { Caller } from "./caller.ts";
import { permit } from "./permit.ts";

export interface CallRequest {
  method: string;
  params: unknown;
  idempotencyKey: string | undefined;
}

/** A call that was made, to answer the same one with. */
interface Remembered {
  answer: Promise<string>;
  at: number;
}

/** What clients can ask the server to do. */
export class Calls {
  readonly #methods: Methods;
  readonly #fallback: Authority;
  readonly #clock: Clock;
  readonly #wheel: TimerWheel;
  readonly #timeoutMs: number;
  /** By who called, what, and the idempotency key; in the order they came. */
  readonly #remembered = new Map<string, Remembered>();

  constructor(
    methods: Methods,
    fallback: Authority,
    time: { clock: Clock; wheel: TimerWheel; timeoutMs: number },
  ) {
    this.#methods = methods;
    this.#fallback = fallback;
    this.#clock = time.clock;
    this.#wheel = time.wheel;
    this.#timeoutMs = time.timeoutMs;
  }

  /**
   * Makes a call, or finds that it was made before: its answer, as JSON.
   *
   * @throws LiveError as a rejection, and what the method throws
   */
  async make(request: CallRequest, caller: Caller): Promise<string> {
    const { idempotencyKey, method } = request;
    const declared = this.#find(method);
    await permit([declared, this.#fallback], {
      caller,
      action: "call",
      target: method,
      params: paramsOf(request),
    });
    const params = validate(declared.params, request.params);
    if (params.kind === "invalid") throw new LiveError("invalid_params", params.message);
    const call = (): Promise<string> =>
      this.#run(declared, { method, params: params.value }, caller);
    if (idempotencyKey === undefined) return call();
    return this.#once(JSON.stringify([caller.identity?.id, method, idempotencyKey]), call);
  }

  #find(name: string): MethodDeclaration {
    const declared = Object.hasOwn(this.#methods, name) ? this.#methods[name] : undefined;
    if (declared !== undefined) return declared;
    const shown = JSON.stringify(name.slice(0, 50));
    throw new LiveError("unknown_method", `There is no method ${shown}; check its name.`);
  }

  /** A call that failed may be made again: nothing of it is said to have been done. */
  #once(name: string, call: () => Promise<string>): Promise<string> {
    this.#forgetOld();
    const known = this.#remembered.get(name);
    if (known !== undefined) return known.answer;
    const answer = call();
    this.#remembered.set(name, { answer, at: this.#clock.now() });
    answer.then(
      (json) => {
        if (json.length > MAX_REMEMBERED_RESULT_LENGTH) this.#remembered.delete(name);
      },
      () => this.#remembered.delete(name),
    );
    return answer;
  }

  async #run(
    declared: MethodDeclaration,
    { method, params }: { method: string; params: unknown },
    { identity, connection }: Caller,
  ): Promise<string> {
    let timer: Timer | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = this.#wheel.after(this.#timeoutMs, () => {
        const message = `${method} took longer than ${this.#timeoutMs} ms; it may still be done. Look before you call again.`;
        reject(new LiveError("unavailable", message));
      });
    });
    try {
      const result = await Promise.race([declared.handle(params, { identity, connection }), late]);
      return JSON.stringify(result) ?? "null";
    } finally {
      timer?.cancel();
    }
  }

  #forgetOld(): void {
    const oldest = this.#clock.now() - IDEMPOTENCY_WINDOW_MS;
    for (const [name, { at }] of this.#remembered) {
      if (at >= oldest && this.#remembered.size < MAX_REMEMBERED_CALLS) return;
      this.#remembered.delete(name);
    }
  }
}

/** What an authority is shown of a call's params, which may be anything. */
function paramsOf({ params }: CallRequest): Params {
  const isObject = typeof params === "object" && params !== null && !Array.isArray(params);
  return isObject ? (params as Params) : {};
}
