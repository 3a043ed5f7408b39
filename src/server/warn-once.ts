/** Tells an operator of something the first time that it happens, and not again. */
export class WarnOnce {
  readonly #said = new Set<string>();

  /**
   * @param code stable, of a `LongwireWarning`; one warning of each code is emitted
   * @param message made only when it is needed
   */
  warn(code: string, message: () => string): void {
    if (this.#said.has(code)) return;
    this.#said.add(code);
    process.emitWarning(message(), { type: "LongwireWarning", code });
  }
}
