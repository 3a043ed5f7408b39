import type { Quantities } from "../quantities.ts";
import type { Texts } from "../texts/en.ts";
import type { Finding } from "./conclusion.ts";

/** Formats the findings as sentences in one language. */
export function sentencesOf(findings: readonly Finding[], t: Texts, q: Quantities): string[] {
  return findings.map((finding) => sentenceOf(finding, t.why.conclude, q));
}

function sentenceOf(finding: Finding, words: Texts["why"]["conclude"], q: Quantities): string {
  switch (finding.kind) {
    case "waiting":
      return words.waiting;
    case "slow":
      return words.slow;
    case "websocket":
      return words.websocket(q.milliseconds(finding.ageMs), q.data(finding.bytesPerReport, "B"));
    case "poll": {
      const missed = q.percent(100 * finding.missedShare);
      const { shownAgeMs, socketShownAgeMs } = finding;
      return words.poll(q.milliseconds(shownAgeMs), q.milliseconds(socketShownAgeMs), missed);
    }
    case "long-poll": {
      const age = q.milliseconds(finding.ageMs);
      if (finding.factor === undefined) return words.longPollNoBytes(age);
      return words.longPoll(age, q.number(finding.factor, 1));
    }
    case "sse": {
      const age = q.milliseconds(finding.ageMs);
      return finding.isAsFresh ? words.sseEqual(age) : words.sseBehind(age);
    }
  }
}
