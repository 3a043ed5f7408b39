import { goals } from "./goals.mjs";
import { numberText, ratioText } from "./number-text.mjs";
import { linesOf } from "./summary.mjs";

/** @returns {string[]} a Markdown table: each goal, what was measured, and by how much it is missed */
export function goalsTable({ node, workloads }) {
  const byName = new Map(workloads.map((workload) => [workload.name, workload]));
  const rows = goals.map((goal) => {
    const workload = byName.get(goal.workload);
    const lines = workload === undefined ? [] : linesOf(workload);
    const [ours, publicOnly] = ["longwire", "longwire-public"].map((name) =>
      measured(
        lines.find(({ contender }) => contender === name),
        goal,
      ),
    );
    const what = goal.against ? `× ${goal.against}` : workload?.figure.label;
    const bound = goal.against ? ratioText(goal.most) : numberText(goal.most, 1);
    const cells = [goal.workload, what, `≤ ${bound}`, text(ours, goal), verdict(ours, goal)];
    return `| ${[...cells, text(publicOnly, goal)].join(" | ")} |`;
  });
  return [
    `| Node ${node.slice(1)} | | goal | measured [min–max] | | without Node's internals |`,
    "|---|---|---|---|---|---|",
    ...rows,
  ];
}

function measured(line, { against }) {
  return against === undefined ? line?.figure : line?.ratios[against];
}

function text(spread, { against }) {
  if (spread === undefined) return "not measured";
  const one = (value) => (against === undefined ? numberText(value) : ratioText(value));
  if (spread.min === spread.max) return one(spread.median);
  return `${one(spread.median)} [${one(spread.min)}–${one(spread.max)}]`;
}

function verdict(spread, { most }) {
  if (spread === undefined) return "";
  if (spread.median <= most) return "met";
  return `**missed by ${Math.ceil((spread.median / most - 1) * 100)} %**`;
}
