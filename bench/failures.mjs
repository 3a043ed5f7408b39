/**
 * Says once more, at the end, what failed; a run of ours that did makes the command fail.
 *
 * @param {import("./results.mjs").WorkloadResult[]} results
 * @param {boolean} isStrict whether what failed or is missing of others counts as well
 */
export function reportFailures(results, isStrict) {
  const failures = results.flatMap(({ name, outcomes }) =>
    outcomes.flatMap(({ contender, rounds, absent }) => {
      const isMissing = isStrict && absent?.startsWith("missing");
      const said = rounds.find((round) => round.failed)?.failed ?? (isMissing ? absent : undefined);
      return said === undefined ? [] : { contender, text: `${name}, ${contender}: ${said}` };
    }),
  );
  if (failures.length === 0) return;
  console.log(`\nFAILED\n  ${failures.map(({ text }) => text).join("\n  ")}`);
  const isOurs = failures.some(({ contender }) => contender.startsWith("longwire"));
  if (isStrict || isOurs) process.exitCode = 1;
}
