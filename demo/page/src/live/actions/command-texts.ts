import type { Quantities } from "../../quantities.ts";
import type { Texts } from "../../texts/en.ts";
import { measurementsOf, numberOf } from "../devices/device-record.ts";
import type { ShownCommand } from "./commands.ts";

interface Words {
  readonly t: Texts;
  readonly q: Quantities;
}

/** Returns a number of seconds as text: "0.2 s", "5 s". */
export function secondsText(seconds: number | undefined, { t, q }: Words): string {
  return t.actions.seconds(q.number(seconds, Number.isInteger(seconds) ? 0 : 1));
}

/** Returns the action that a command asks for, such as "Report every 5 s". */
export function actionText(
  { method, params }: Pick<ShownCommand, "method" | "params">,
  words: Words,
): string {
  const { actions } = words.t;
  if (method === "measure") return actions.measure;
  if (method === "restart") return actions.restart;
  if (method !== "reportEvery") return method;
  return actions.reportEveryOf(secondsText(fieldOf(params, "seconds"), words));
}

/** Returns the outcome of a command, or the reason why there is none yet. */
export function outcomeText(command: ShownCommand, nowMs: number, words: Words): string {
  const { commands } = words.t;
  const { q } = words;
  switch (command.state) {
    case "pending":
      return commands.pending(q.clock(command.expiresAt));
    case "delivered":
      return commands.delivered(q.duration(Math.max(0, nowMs - command.givenAt) / 1_000));
    case "done":
      return answerText(command, words);
    case "failed":
      return command.error?.message ?? "";
    case "expired":
    case "withdrawn":
    case "unconfirmed":
      return commands[command.state];
  }
}

function answerText({ method, result }: ShownCommand, words: Words): string {
  const { t, q } = words;
  if (method === "restart") {
    return t.commands.restarted(secondsText(fieldOf(result, "awaySeconds"), words));
  }
  if (method === "reportEvery") {
    return t.commands.reportsEvery(secondsText(fieldOf(result, "seconds"), words));
  }
  const measured = measurementsOf((result ?? {}) as Record<string, unknown>);
  const cpu = measured.get("cpu");
  return cpu === undefined
    ? t.commands.measuredUse(q.percent(measured.get("channelUse")))
    : t.commands.measuredCpu(q.percent(cpu));
}

function fieldOf(value: unknown, name: string): number | undefined {
  return numberOf((value as Record<string, unknown> | null | undefined)?.[name]);
}
