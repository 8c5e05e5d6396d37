// The menu, as each system wants it, in the two languages. Roles do the work; only the words are ours.
import type { MenuItemConstructorOptions } from "electron";

export type Language = "en" | "zh";

type Role = NonNullable<MenuItemConstructorOptions["role"]>;
const english = {
  file: "File",
  edit: "Edit",
  view: "View",
  window: "Window",
  about: "About Paddock",
  services: "Services",
  hide: "Hide Paddock",
  hideOthers: "Hide Others",
  unhide: "Show All",
  quit: "Quit Paddock",
  close: "Close Window",
  undo: "Undo",
  redo: "Redo",
  cut: "Cut",
  copy: "Copy",
  paste: "Paste",
  selectAll: "Select All",
  reload: "Reload",
  toggleDevTools: "Developer Tools",
  resetZoom: "Actual Size",
  zoomIn: "Zoom In",
  zoomOut: "Zoom Out",
  togglefullscreen: "Full Screen",
  minimize: "Minimize",
  zoom: "Zoom",
  front: "Bring All to Front",
};

type Word = keyof typeof english;

const chinese: Record<Word, string> = {
  file: "文件",
  edit: "编辑",
  view: "显示",
  window: "窗口",
  about: "关于 Paddock",
  services: "服务",
  hide: "隐藏 Paddock",
  hideOthers: "隐藏其他",
  unhide: "全部显示",
  quit: "退出 Paddock",
  close: "关闭窗口",
  undo: "撤销",
  redo: "重做",
  cut: "剪切",
  copy: "复制",
  paste: "粘贴",
  selectAll: "全选",
  reload: "重新载入",
  toggleDevTools: "开发者工具",
  resetZoom: "实际大小",
  zoomIn: "放大",
  zoomOut: "缩小",
  togglefullscreen: "全屏",
  minimize: "最小化",
  zoom: "缩放",
  front: "前置全部窗口",
};

const words: Record<Language, Record<Word, string>> = { en: english, zh: chinese };

/** Chosen in the settings, else as the system speaks. */
export function menuLanguage(setting: "auto" | Language, locale: string): Language {
  if (setting !== "auto") return setting;
  return locale.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** The template for `Menu.buildFromTemplate`. */
export function menuTemplate(platform: NodeJS.Platform, language: Language, packaged: boolean): MenuItemConstructorOptions[] {
  const say = words[language];
  const item = (role: Role & Word): MenuItemConstructorOptions => ({ role, label: say[role] });
  const line: MenuItemConstructorOptions = { type: "separator" };
  const mac = platform === "darwin";
  const app: MenuItemConstructorOptions = {
    label: "Paddock",
    submenu: [item("about"), line, item("services"), line, item("hide"), item("hideOthers"), item("unhide"), line, item("quit")],
  };
  return [
    ...(mac ? [app] : []),
    { label: say.file, submenu: mac ? [item("close")] : [item("close"), line, item("quit")] },
    { label: say.edit, submenu: [item("undo"), item("redo"), line, item("cut"), item("copy"), item("paste"), item("selectAll")] },
    {
      label: say.view,
      submenu: [
        ...(packaged ? [] : [item("reload"), item("toggleDevTools"), line]),
        item("resetZoom"),
        item("zoomIn"),
        item("zoomOut"),
        line,
        item("togglefullscreen"),
      ],
    },
    { label: say.window, submenu: mac ? [item("minimize"), item("zoom"), line, item("front")] : [item("minimize"), item("about")] },
  ];
}
