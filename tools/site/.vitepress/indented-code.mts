import type { MarkdownRenderer } from "vitepress";

/** Shows indented code as fenced code is shown: VitePress has a look for that alone. */
export function indentedCode(md: MarkdownRenderer): void {
  md.core.ruler.push("indented-code", ({ tokens }) => {
    for (const token of tokens) {
      if (token.type === "code_block") Object.assign(token, { type: "fence", info: "txt" });
    }
  });
}
