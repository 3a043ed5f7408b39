/**
 * Finds the English in a file: comments and strings in code, and the text of Markdown.
 *
 * A piece has `text`, in which code and quotations are blanked out with "x", `line`, where it
 * starts, and `kind`: "comment", "string" or "text".
 *
 * @param path its extension selects the syntax
 * @returns the pieces, and the line numbers that an allow comment exempts; `exempt` is true if the
 *   whole file is
 */
export function proseOf(path, source) {
  const pieces = path.endsWith(".md")
    ? markdownPieces(source)
    : path.endsWith(".vue")
      ? vuePieces(source)
      : codePieces(source);
  const allowed = new Set();
  source.split("\n").forEach((line, index) => {
    if (/language-ok: \S/.test(line)) allowed.add(index + 1).add(index + 2);
  });
  return { pieces, allowed, exempt: /language-ok-file: \S/.test(source) };
}

function codePieces(source, firstLine = 1) {
  return joinLineComments(tokens(source)).flatMap(({ kind, text, line }) => {
    // Strings without a space are identifiers, paths and the like.
    if (kind === "string" && !/\w \w/.test(text)) return [];
    return [{ kind, line: line + firstLine - 1, text: blankQuotations(text, kind) }];
  });
}

/**
 * Comments and string literals of JavaScript or TypeScript. A regular expression is told from a
 * division by the character before it, which is enough for formatted code.
 */
export function tokens(source) {
  const found = [];
  /** Depths of braces at which the substitution of a template ends. */
  const templates = [];
  let depth = 0;
  let at = 0;
  let line = 1;
  let last = "";

  const advance = (end) => {
    for (; at < end; at += 1) if (source[at] === "\n") line += 1;
  };
  const template = () => {
    const start = { kind: "string", line, start: at, text: "" };
    for (at += 1; at < source.length;) {
      if (source[at] === "\\") {
        start.text += "  ";
        advance(at + 2);
      } else if (source[at] === "`") {
        at += 1;
        break;
      } else if (source.startsWith("${", at)) {
        start.text += "x";
        at += 2;
        templates.push(depth);
        const open = start;
        code(() => depth === templates.at(-1) && source[at] === "}");
        templates.pop();
        open.text += "";
        at += 1;
      } else {
        start.text += source[at];
        advance(at + 1);
      }
    }
    found.push({ ...start, end: at });
    last = "`";
  };
  const code = (isOver) => {
    while (at < source.length && !isOver()) {
      const char = source[at];
      const rest = source.startsWith.bind(source);
      if (rest("//", at)) {
        let end = source.indexOf("\n", at);
        if (end === -1) end = source.length;
        const own = source.slice(source.lastIndexOf("\n", at) + 1, at).trim() === "";
        const text = source.slice(at + 2, end);
        found.push({ kind: "comment", style: "line", own, line, start: at, end, text });
        advance(end);
      } else if (rest("/*", at)) {
        const end = source.indexOf("*/", at) + 2;
        const text = source.slice(at + 2, end - 2).replace(/^\*/, "");
        const style = source[at + 2] === "*" ? "doc" : "block";
        found.push({ kind: "comment", style, line, start: at, end, text: unstarred(text) });
        advance(end);
      } else if (char === '"' || char === "'") {
        const end = stringEnd(source, at);
        const text = source.slice(at + 1, end - 1);
        found.push({ kind: "string", line, start: at, end, text });
        advance(end);
        last = char;
      } else if (char === "`") {
        template();
      } else if (char === "/" && startsRegex(source, at, last)) {
        advance(regexEnd(source, at));
        last = "/";
      } else {
        if (char === "{") depth += 1;
        if (char === "}") depth -= 1;
        if (/\S/.test(char)) last = char;
        advance(at + 1);
      }
    }
  };
  code(() => false);
  return found.sort((a, b) => a.start - b.start);
}

/** Removes the stars at the beginnings of a comment's lines, but keeps the lines. */
function unstarred(text) {
  return text.replace(/^[ \t]*\* ?/gm, "");
}

function stringEnd(source, start) {
  let at = start + 1;
  while (at < source.length && source[at] !== source[start] && source[at] !== "\n") {
    at += source[at] === "\\" ? 2 : 1;
  }
  return at + 1;
}

function startsRegex(source, at, last) {
  if (last === "" || /[(,=:[!&|?{};+>~<*%^-]/.test(last)) return true;
  return /\b(?:return|typeof|case|of|in)\s*$/.test(source.slice(Math.max(0, at - 10), at));
}

function regexEnd(source, start) {
  let inClass = false;
  for (let at = start + 1; at < source.length; at += 1) {
    const char = source[at];
    if (char === "\\") at += 1;
    else if (char === "\n") return at;
    else if (char === "[") inClass = true;
    else if (char === "]") inClass = false;
    else if (char === "/" && !inClass) return at + 1;
  }
  return source.length;
}

/** Makes one comment of the lines of a `//` comment, since sentences run over lines. */
function joinLineComments(found) {
  const joined = [];
  for (const token of found) {
    const before = joined.at(-1);
    const continues =
      token.style === "line" &&
      token.own &&
      before?.style === "line" &&
      before.own &&
      before.lastLine + 1 === token.line;
    if (continues) {
      before.text += `\n${token.text}`;
      before.lastLine = token.line;
    } else joined.push({ ...token, lastLine: token.line });
  }
  return joined;
}

/** Blanks code in backticks, and in comments and Markdown also what is quoted. */
function blankQuotations(text, kind) {
  const blank = (match) => match.replace(/[^\n]/g, "x");
  const withoutCode = text.replace(/`[^`]*`/g, blank).replace(/https?:\/\/\S+/g, blank);
  if (kind === "string") return withoutCode;
  return withoutCode.replace(/"[^"\n]*(?:\n[^"\n]*)?"|“[^”]*”/g, blank);
}

function markdownPieces(source) {
  const pieces = [];
  const lines = source.split("\n");
  let piece;
  const end = () => {
    if (piece !== undefined) pieces.push({ ...piece, text: blankQuotations(piece.text, "text") });
    piece = undefined;
  };
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index];
    const fence = /^\s*(?<mark>```+|~~~+)(?<language>\w*)/.exec(line)?.groups;
    if (fence !== undefined) {
      end();
      const first = index + 1;
      while (index + 1 < lines.length && !lines[index + 1].trim().startsWith(fence.mark))
        index += 1;
      const code = lines.slice(first, index + 1).join("\n");
      index += 1;
      if (/^(?:m?js|ts|typescript|javascript)$/.test(fence.language)) {
        pieces.push(...codePieces(code, first + 1));
      }
    } else if (/^\s*$|^\s*#|^\s*\|/.test(line)) {
      end();
      // Headings are labels, but cells hold sentences.
      if (/^\s*\|/.test(line)) {
        for (const cell of line.split("|")) {
          if (!/[.?!]\s*$/.test(cell)) continue;
          pieces.push({ kind: "text", line: index + 1, text: blankQuotations(cell, "text") });
        }
      }
    } else {
      if (/^\s*(?:[-*+]|\d+\.) /.test(line)) end();
      piece ??= { kind: "text", line: index + 1, text: "" };
      piece.text += `${piece.text === "" ? "" : "\n"}${line.replace(/^\s*(?:[-*+]|\d+\.) /, "")}`;
    }
  }
  end();
  return pieces;
}

/** The scripts of a Vue component as code, and the text of its template line by line. */
function vuePieces(source) {
  const pieces = [];
  const template = source.replace(
    /(?<tag><(?<name>script|style)\b[^>]*>)(?<body>[^]*?)<\/\k<name>>/g,
    (whole, tag, name, body, offset) => {
      const first = source.slice(0, offset + tag.length).split("\n").length;
      if (name === "script") pieces.push(...codePieces(body, first));
      return whole.replace(/[^\n]/g, " ");
    },
  );
  template.split("\n").forEach((line, index) => {
    const text = line.replace(/<[^!][^>]*>|\{\{.*?\}\}/g, " ").trim();
    if (/\w \w/.test(text)) {
      pieces.push({ kind: "text", line: index + 1, text: blankQuotations(text, "text") });
    }
  });
  return pieces;
}
