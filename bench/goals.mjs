/**
 * What Longwire is to reach on Node 20, beside others in the same run or on its own.
 *
 * @typedef {object} Goal
 * @property {string} workload
 * @property {string} [against] the contender; without one it is the figure itself that is bounded
 * @property {number} most
 */

/** @type {Goal[]} */
export const goals = [
  ...both("echo", 0.7, 1.15),
  ...both("echo-pipelined", 0.05, 0.55),
  ...both("echo-16k", 0.32, 1.2),
  ...both("echo-1m", 0.35, 1.7),
  ...both("broadcast", 0.68, 1.15),
  ...both("broadcast-burst", 0.11, 1.05),
  ...both("echo-compressed", 0.26, 1.25),
  ...both("broadcast-compressed", 0.05, 1),
  { workload: "idle", most: 3.3 },
  { workload: "idle-compressed", most: 6 },
  { workload: "handshakes", against: "ws", most: 0.8 },
  // Nothing may grow; a tenth is what two parts of a run differ by.
  { workload: "flat-connections", most: 1.1 },
  { workload: "flat-messages", most: 1.1 },
  { workload: "flat-topics", most: 1.1 },
];

function both(workload, ws, uwebsockets) {
  return [
    { workload, against: "ws", most: ws },
    { workload, against: "uwebsockets", most: uwebsockets },
  ];
}
