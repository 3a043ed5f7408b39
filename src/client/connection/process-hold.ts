/** The longest that a timer of Node can be set to, in milliseconds: 24 days. */
const LONGEST_MS = 2 ** 31 - 1;

let holds = 0;
let timer: NodeJS.Timeout | undefined;

/**
 * Keeps the process alive.
 *
 * An open WebSocket does, but a connection that nothing is read from does not by itself.
 */
export class ProcessHold {
  #isOn = false;

  set(isOn: boolean): void {
    if (this.#isOn === isOn) return;
    this.#isOn = isOn;
    holds += isOn ? 1 : -1;
    if (holds > 0) timer ??= setInterval(() => {}, LONGEST_MS);
    else {
      clearInterval(timer);
      timer = undefined;
    }
  }
}
