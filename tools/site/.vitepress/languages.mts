import type { DefaultTheme, LocaleSpecificConfig } from "vitepress";
import { sidebar } from "./sidebar.mts";

type Language = LocaleSpecificConfig<DefaultTheme.Config> & { label: string; link?: string };

// Functions, because a sidebar lists the files that are there when it is asked for.

export const english = (): Language => ({
  label: "English",
  lang: "en",
  description: "The complete WebSocket stack for TypeScript",
  themeConfig: {
    nav: [
      { text: "Tutorial", link: "/tutorial/", activeMatch: "^/tutorial/" },
      { text: "Guides", link: "/guides/how-to", activeMatch: "^/guides/" },
      { text: "Concepts", link: "/concepts/guarantees", activeMatch: "^/concepts/" },
      { text: "Reference", link: "/reference/limits", activeMatch: "^/reference/(?!api/)" },
      { text: "API", link: "/reference/api/", activeMatch: "^/reference/api/" },
    ],
    sidebar: sidebar("", {
      tutorial: "Tutorial",
      guides: "Guides",
      concepts: "Concepts",
      reference: "Reference",
      api: "API",
      project: "Project",
    }),
  },
});

export const chinese = (): Language => ({
  label: "简体中文",
  lang: "zh-CN",
  link: "/zh/",
  description: "面向 TypeScript 的完整 WebSocket 技术栈",
  themeConfig: {
    nav: [
      { text: "概览", link: "/zh/project/overview" },
      { text: "教程(英文)", link: "/tutorial/" },
      { text: "API(英文)", link: "/reference/api/" },
    ],
    sidebar: {
      "/zh/": sidebar("zh/", {
        tutorial: "教程",
        guides: "指南",
        concepts: "概念",
        reference: "参考",
        api: "API",
        project: "项目",
      }),
    },
    outline: { level: [2, 3], label: "本页目录" },
    docFooter: { prev: "上一页", next: "下一页" },
    darkModeSwitchLabel: "外观",
    lightModeSwitchTitle: "切换到浅色模式",
    darkModeSwitchTitle: "切换到深色模式",
    sidebarMenuLabel: "菜单",
    returnToTopLabel: "回到顶部",
    langMenuLabel: "选择语言",
    skipToContentLabel: "跳到正文",
    notFound: {
      title: "页面不存在",
      quote: "请检查地址,或从首页重新开始。",
      linkLabel: "回到首页",
      linkText: "回到首页",
    },
  },
});

export const chineseSearch: NonNullable<DefaultTheme.LocalSearchOptions["translations"]> = {
  button: { buttonText: "搜索", buttonAriaLabel: "搜索" },
  modal: {
    displayDetails: "显示详细列表",
    resetButtonTitle: "清除",
    backButtonTitle: "关闭",
    noResultsText: "没有找到",
    footer: {
      selectText: "选择",
      selectKeyAriaLabel: "回车",
      navigateText: "移动",
      navigateUpKeyAriaLabel: "上箭头",
      navigateDownKeyAriaLabel: "下箭头",
      closeText: "关闭",
      closeKeyAriaLabel: "Esc",
    },
  },
};
