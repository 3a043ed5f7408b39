import type { MarkdownEnv } from "vitepress";

/** Headings within a member of the API, such as "Returns": what is below is found by the member. */
const PARTS =
  /<h[456] [^>]*>(?:Parameters|Type Parameters|Returns|Throws|Inherited from|Overrides|Implementation of|Constructor) <a .*?<\/h[456]>/g;

/** What is needed of VitePress's renderer, whose own type here is that of another markdown-it. */
interface Renderer {
  readonly options: { highlight?: unknown };
  render(source: string, env?: MarkdownEnv): string;
}

/** A page as the search reads it: without colours in its code, which take a third of the build. */
export function searchText(source: string, env: MarkdownEnv, md: Renderer): string {
  const { highlight } = md.options;
  md.options.highlight = null;
  try {
    const html = md.render(source, env);
    return env.relativePath.startsWith("reference/api/") ? html.replaceAll(PARTS, "") : html;
  } finally {
    md.options.highlight = highlight ?? null;
  }
}

// These run in the visitor's browser, where only their own source arrives: they use nothing around
// them.

/** Splits a text into what can be searched for. */
export function searchTerms(text: string): string[] {
  const words = text.split(/[\n\r\p{Z}\p{P}]+/u);
  if (!/\p{Script=Han}/u.test(text) || !("Segmenter" in Intl)) return words;
  // Chinese is written without spaces.
  const segmenter = new Intl.Segmenter("zh", { granularity: "word" });
  return words.flatMap((word) =>
    /\p{Script=Han}/u.test(word)
      ? Array.from(segmenter.segment(word), ({ segment }) => segment)
      : [word],
  );
}

/** What a guide says of a term goes before each member of the API that has it in its name. */
export function searchRank(page: string): number {
  return page.includes("/reference/api/") ? 0.3 : 1;
}
