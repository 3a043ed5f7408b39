import { seededRun } from "./seeded-run.mjs";

const help = `node scripts/fuzz.mjs [--seconds 60] [--first 1] | --seed 7

Reads random and broken streams with Longwire and with the package ws, in memory and over a socket
(tests/fuzz), for as long. Without --first it begins at a seed that no run had before, by the clock; a
failing seed is printed, and --seed replays it.`;

seededRun({ help, amount: { name: "seconds", value: "60" }, files: ["tests/fuzz/fuzz.test.ts"] });
