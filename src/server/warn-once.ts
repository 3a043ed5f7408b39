/** Emits each kind of warning once, when it first occurs. */
export class WarnOnce {
  readonly #emitted = new Set<string>();

  /**
   * @param code stable, of a `LongwireWarning`; each code is emitted once
   * @param message called only if the warning is emitted
   */
  warn(code: string, message: () => string): void {
    if (this.#emitted.has(code)) return;
    this.#emitted.add(code);
    process.emitWarning(message(), { type: "LongwireWarning", code });
  }
}
