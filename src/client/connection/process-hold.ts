/** The longest delay of a Node timer, in milliseconds: 24 days. */
const LONGEST_MS = 2 ** 31 - 1;

let holds = 0;
let timer: NodeJS.Timeout | undefined;

/**
 * Keeps the process alive.
 *
 * An open WebSocket must do this, but Node does not count a socket that nothing is read from.
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
