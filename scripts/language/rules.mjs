// language-ok-file: it holds the patterns and the phrases that it replaces.

/** Where a sentence begins: also in a list, and behind a tag of a docstring. */
const START = String.raw`(?:^|(?<=[.?!)] )|(?<=\n(?:[-*>] |\d+\. |@\w+ (?:[\w.]+ )?)?))[*_(]*`;
/** The rest of a sentence that is not a question. */
const NO_QUESTION = String.raw`(?![^.?!]*\?)`;

/**
 * What docs and comments avoid, and what to write instead. See style.md: a reminder, not a judge.
 *
 * `pattern` is matched against text whose lines are joined.
 */
export const RULES = [
  {
    name: "headless Who",
    pattern: new RegExp(`${START}(?:Who|Whoever|Whose|Whom)\\b${NO_QUESTION}`, "g"),
    suggestion: 'name the subject: "A client that …", "Anyone who …"',
  },
  {
    name: "headless What",
    pattern: new RegExp(`${START}What(?:ever)?\\b(?! if\\b)${NO_QUESTION}`, "g"),
    suggestion: 'name the thing: "The bytes that …", "The options that …"',
  },
  {
    name: "fronted Of",
    pattern: new RegExp(
      `${START}Of (?:an?|the|each|every|all|its|their|one|two|many|this|these|those|what)\\b[^.?!,;:]*,`,
      "g",
    ),
    suggestion: 'put it after the verb, or use another preposition: "On a keyed topic, …"',
  },
  { name: "anew", pattern: /\banew\b/gi, suggestion: "again, from the start" },
  {
    name: "let go of",
    pattern: /\b(?:lets?|letting) (?:\w+ )?go\b(?! (?:through|ahead|on|out|first))/gi,
    suggestion: "release, free, drop, detach",
  },
  {
    name: "is none",
    pattern: /(?<!\bthere )\b(?:is|are|was|were) none\b/gi,
    suggestion: 'negate the verb: "is not a …", "does not exist"',
  },
  {
    name: "is no",
    pattern:
      /(?<!\bthere )\b(?:is|are|was|were) no (?!longer\b|more\b|less\b|fewer\b|worse\b|better\b|other\b|different\b|later\b|earlier\b|\w+er than\b|such\b)\w+/gi,
    suggestion: 'negate the verb: "is not a URL"',
  },
  {
    name: "by himself",
    pattern: /\bby (?:himself|herself)\b/gi,
    suggestion: "itself, on its own",
  },
  {
    name: "are others",
    pattern: /\b(?:is another|are others)\b(?= ?[.,;:)]| than\b|$)/gi,
    suggestion: 'say what differs: "when the params change"',
  },
  {
    name: "befell",
    pattern: /\b(?:befell|befalls?|befallen)\b/gi,
    suggestion: '"what happened to", or name the event',
  },
  {
    name: "is nothing that",
    pattern: /(?<!\bthere )\b(?:is|are|was) nothing (?:that|for|to)\b/gi,
    suggestion: 'negate the verb: "cannot be serialized as JSON"',
  },
  {
    name: "hears",
    pattern:
      /\b(?:hears?|heard)\b(?= (?:of|about|from|nothing|that|what|it|no)\b)|\b(?:is|are|was|be) heard\b/gi,
    suggestion: "receives, is notified of",
  },
  {
    name: "tells",
    pattern: /\b(?:tells?|told) (?:nothing|nobody|of|whom|itself|anybody|so)\b|\btells which\b/gi,
    suggestion: "reports, sends, notifies, indicates",
  },
  {
    name: "says nothing",
    pattern: /\b(?:says?|said) (?:nothing|which|whose)\b/gi,
    suggestion: "sends, reports, indicates, specifies",
  },
  {
    name: "give some that",
    pattern: /\bgive (?:one|some) (?:that|which)\b/gi,
    suggestion: 'say what is accepted: "publish JSON-compatible data"',
  },
  {
    name: "of which",
    pattern: /\b(?:that|those|one|an? \w+) of which\b/gi,
    suggestion: '"whose", or a sentence of its own',
  },
  { name: "obeys", pattern: /\bobey(?:s|ed|ing)?\b/gi, suggestion: "dispatches, handles, follows" },
  {
    name: "comes back where",
    pattern: /\b(?:comes?|came) back (?:where|to where)\b/gi,
    suggestion: "resumes",
  },
  {
    name: "of its own accord",
    pattern: /\bof (?:its|their) own accord\b/gi,
    suggestion: "on its own, without being asked",
  },
  {
    name: "as it stands",
    pattern: /\bas (?:it stands|they stand)\b/gi,
    suggestion: "unchanged, as is",
  },
];

/** Lines that begin a sentence, whatever the line before ends with. */
const OWN_LINE = /^(?:$|[-*|@>]|\d+\. )/;

/** Joins the lines of a piece, and returns the line of every character. */
function joinLines({ text, line }) {
  let joined = "";
  const lines = [];
  text.split("\n").forEach((raw, index) => {
    const content = raw.trim();
    const separator = index === 0 ? "" : OWN_LINE.test(content) ? "\n" : " ";
    joined += separator + content;
    while (lines.length < joined.length) lines.push(line + index);
  });
  return { joined, lines };
}

/** The findings in one piece of prose. */
export function findingsIn(piece) {
  const { joined, lines } = joinLines(piece);
  return RULES.flatMap(({ name, pattern, suggestion }) =>
    [...joined.matchAll(pattern)].flatMap(({ 0: found, index }) => {
      // A label, such as a table's column or the bold beginning of a list item, is not a sentence.
      const rest = joined.slice(index);
      const isLabel = piece.kind === "text" && /^(?:\*\*[^*]{1,40}\*\*|[^.!]*$)/.test(rest);
      if (isLabel && name.startsWith("headless")) return [];
      return [{ line: lines[index], rule: name, found, suggestion }];
    }),
  );
}
