import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";
import { indentedCode } from "./indented-code.mts";
import { chinese, chineseSearch, english } from "./languages.mts";
import { liftPages } from "./lifted-pages.mts";
import { checkLinks, slugOf } from "./links.mts";
import { docs, root } from "./places.mts";
import { repositoryLinks } from "./repository-links.mts";
import { searchRank, searchTerms, searchText } from "./search.mts";

liftPages();

export default defineConfig({
  title: "Longwire",
  srcDir: docs,
  outDir: fileURLToPath(new URL("../../../.cache/site", import.meta.url)),
  cacheDir: fileURLToPath(new URL("../../../.cache/site-vite", import.meta.url)),
  locales: { root: english(), zh: chinese() },
  themeConfig: {
    logo: "/icon.svg",
    // A page need not exist in the other language; its first page does.
    i18nRouting: false,
    outline: { level: [2, 3] },
    search: {
      provider: "local",
      options: {
        _render: searchText,
        locales: { zh: { translations: chineseSearch } },
        miniSearch: {
          options: { tokenize: searchTerms },
          searchOptions: { boostDocument: searchRank },
        },
      },
    },
  },
  markdown: {
    languageAlias: { haproxy: "nginx" },
    anchor: { slugify: slugOf },
    config: (md) => {
      indentedCode(md);
      repositoryLinks(md);
    },
  },
  vite: {
    // The search index is one file; it is loaded with the first search.
    build: { chunkSizeWarningLimit: 2_000 },
    publicDir: `${root}/demo/page/public`,
    resolve: { alias: { "longwire/live/client": `${root}/src/live/client/index.ts` } },
    server: { fs: { allow: [root] } },
  },
  transformHead: ({ siteData }) => [
    ["link", { rel: "icon", href: `${siteData.base}icon.svg`, type: "image/svg+xml" }],
  ],
  buildEnd: ({ outDir, site }) => checkLinks(outDir, site.base),
});
