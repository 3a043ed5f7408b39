/**
 * What is measured; made by the files in `workloads/` for a size.
 *
 * @typedef {object} Workload
 * @property {string} name
 * @property {string} [alias] the letter that it has in the project's notes
 * @property {string} says what happens in it, for the results
 * @property {string[]} contenders who is measured when nobody is named
 * @property {string[]} [baselines] whom ratios are taken to; default ws and uwebsockets
 * @property {number} [rounds] default 3
 * @property {Column} figure what is compared; less is better
 * @property {string} [method] what else is to be known of how it is measured
 * @property {Column[]} [columns] what is shown beside it
 * @property {(contender: import("./contenders.mjs").Contender, host: import("./measure.mjs").Host)
 *   => Promise<import("./measure.mjs").Measured>} measure measures a contender once
 *
 * @typedef {object} Column
 * @property {string} key of the measured figures
 * @property {string} label with its unit
 * @property {number} [digits] after the point; default: three digits that count
 */

/**
 * How much of it: as much as the figures need, or as little as shows that all answers are right.
 *
 * @typedef {object} Size
 * @property {(count: number, smoke?: number) => number} few
 * @property {import("./load/window.mjs").Window} window
 */

/** @type {{ full: Size, smoke: Size }} */
export const sizes = {
  full: {
    few: (count) => count,
    window: { warmMs: 400, warmMessages: 20_000, measureMs: 600 },
  },
  smoke: {
    few: (count, smoke = 5) => Math.min(count, smoke),
    window: { warmMs: 0, warmMessages: 1, measureMs: 30 },
  },
};

/**
 * @param {Size} size
 * @param {Partial<import("./load/window.mjs").Window>} [difference] where the usual one does not suit
 */
export function windowOf(size, difference) {
  return size === sizes.full ? { ...size.window, ...difference } : size.window;
}

/** Those who are measured in the workloads that have goals. */
export const servers = [
  "longwire",
  "longwire-public",
  "ws",
  "ws-native",
  "uwebsockets",
  "bun",
  "net",
];

/** Where natives add nothing. */
export const fewerServers = servers.filter((name) => name !== "ws-native");

export const cpuPerMessage = { key: "cpuMicros", label: "CPU µs/message" };
export const perSecond = { key: "perSecond", label: "messages/s", digits: 0 };
export const memory = { key: "rssMib", label: "RSS MiB", digits: 0 };
export const messageColumns = [perSecond, memory];
