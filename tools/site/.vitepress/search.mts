/**
 * Splits a text into what can be searched for.
 *
 * It runs in the visitor's browser, where only its own source arrives: it uses nothing around it.
 */
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
