import { parseArgs } from "node:util";

export const usage = `npm run bench                      everything, under ten minutes; written to bench/results
npm run bench -- WORKLOAD …        some of it, by name or letter

  --against NAME,…   Longwire beside these; default: each workload's own
  --rounds N         how often each contender is measured; default: each workload's own, mostly 3
  --node 24 | PATH   the Node that contenders run on; default: this one
  --out FILE         where results go; what the file has of other workloads stays
  --smoke            tiny, Longwire and ws only: are all answers right?
  --profile          where the time of contenders on Node goes, by function
  --list             the workloads and the contenders
  --render           docs/reference/performance.md from the results
  --no-build         take dist as it is
`;

/** @throws what `parseArgs` says of an unknown option */
export function parseOptions(args) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      against: { type: "string", multiple: true },
      rounds: { type: "string" },
      node: { type: "string" },
      out: { type: "string" },
      smoke: { type: "boolean" },
      profile: { type: "boolean" },
      list: { type: "boolean" },
      render: { type: "boolean" },
      "no-build": { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) {
    throw new Error(`--rounds is ${values.rounds}; give a whole number above 0`);
  }
  return {
    ...values,
    rounds,
    against: values.against?.flatMap((names) => names.split(",")),
    workloads: positionals.flatMap((names) => names.split(",")),
  };
}
