/** An access point's report, as stored in the topic `devices`. */
export interface AccessPointReport {
  name: string;
  deviceType: "AP";
  simulated: true;
  at: number;
  model: string;
  site: string;
  /** Seconds since it started. */
  uptime: number;
  clients: number;
  channel: number;
  /** How much of the time the channel is busy, in percent. */
  channelUse: number;
  /** The average signal of its clients, in dBm. */
  signal: number;
  rxBitsPerSecond: number;
  txBitsPerSecond: number;
}

const MODELS = ["LW-210", "LW-310", "LW-510 outdoor"];
const SITES = ["Hall A", "Hall B", "Office", "Yard"];
const CHANNELS = [1, 6, 11, 36, 44, 52, 100, 149];

/** The average interval between reboots, in seconds. */
const MEAN_SECONDS_BETWEEN_REBOOTS = 900;
/** For how long it is away, in seconds, if it reboots by itself, and if it was asked to. */
const REBOOT_SECONDS: readonly [number, number] = [8, 20];
const RESTART_SECONDS: readonly [number, number] = [1, 3];

/** Returns numbers in [0, 1). */
type Random = () => number;

/** A simulated access point whose figures fluctuate like real ones. */
export class SimulatedAccessPoint {
  readonly name: string;
  readonly #random: Random;
  readonly #model: string;
  readonly #site: string;
  readonly #channel: number;
  /** How busy its location is, 0 to 1. */
  #demand: number;
  #signal: number;
  /** When it started, on the clock of `performance.now()`. */
  #startedAt: number;

  constructor(number: number, random: Random = Math.random) {
    this.name = `ap-${String(number).padStart(2, "0")}`;
    this.#random = random;
    this.#model = MODELS[number % MODELS.length]!;
    this.#site = SITES[number % SITES.length]!;
    this.#channel = CHANNELS[number % CHANNELS.length]!;
    this.#demand = random();
    this.#signal = -70 + 20 * random();
    this.#startedAt = performance.now() - random() * 400_000_000;
  }

  /** Reports figures that are a little different from the last ones. */
  report(): AccessPointReport {
    this.#demand = wander(this.#demand, 0.06, [0, 1], this.#random);
    this.#signal = wander(this.#signal, 1.5, [-85, -45], this.#random);
    const clients = Math.round(this.#demand * 60);
    const downstream = clients * (0.3 + 2 * this.#random()) * 1e6;
    return {
      name: this.name,
      deviceType: "AP",
      simulated: true,
      at: Date.now(),
      model: this.#model,
      site: this.#site,
      uptime: Math.max(0, Math.floor((performance.now() - this.#startedAt) / 1_000)),
      clients,
      channel: this.#channel,
      channelUse: Math.min(99, Math.round(8 + this.#demand * 70 + 10 * this.#random())),
      signal: Math.round(this.#signal),
      rxBitsPerSecond: Math.round(downstream * 0.15),
      txBitsPerSecond: Math.round(downstream),
    };
  }

  /**
   * Decides whether it reboots within this time by itself.
   *
   * @returns for how many seconds it is away, if it does
   */
  reboot(seconds: number): number | undefined {
    if (this.#random() * MEAN_SECONDS_BETWEEN_REBOOTS >= seconds) return undefined;
    return this.#startAgain(REBOOT_SECONDS);
  }

  /** Restarts, and returns for how many seconds it is away. */
  restart(): number {
    return this.#startAgain(RESTART_SECONDS);
  }

  #startAgain([shortest, longest]: readonly [number, number]): number {
    const seconds = Math.round(10 * (shortest + this.#random() * (longest - shortest))) / 10;
    this.#startedAt = performance.now() + seconds * 1_000;
    return seconds;
  }
}

function wander(
  value: number,
  step: number,
  [least, most]: readonly [number, number],
  random: Random,
): number {
  const next = value + (random() * 2 - 1) * step;
  return Math.min(most, Math.max(least, next));
}
