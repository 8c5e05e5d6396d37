import type { settings as shape } from "../en/settings.ts";
import { zh } from "../format.ts";

export const settings = {
  title: "设置",
  lead: "不改这里的任何一项，也能得到好结果。改动立即生效。",
  help: (what: string, usual: string, why: string) => `${what}通常选“${usual}”，因为${why}`,

  look: "语言和外观",
  language: {
    label: "语言",
    auto: "跟随系统",
    help: "所有界面和提示使用的语言。",
    why: "系统的语言，就是你为这台电脑选定的语言。",
  },
  theme: {
    label: "外观",
    auto: "跟随系统",
    light: "浅色",
    dark: "深色",
    help: "界面用浅色还是深色。",
    why: "很多系统到了晚上会变暗，Paddock 也跟着变。",
  },

  training: "训练",
  device: {
    label: "设备",
    help: "在哪个设备上训练。已经开始的训练不会换设备。",
    why: "训练表格，处理器通常最快，而且每次得到的数字都一样。",
    auto: "最快的设备，每次训练开始时试出",
    looking: "正在查找设备……",
    again: "重新查找",
    list: "这台电脑上的设备",
    works: "可以使用",
    worksNot: "在这里不能用",
    memory: (used: string | null, total: string) => (used ? `已用 ${used}，共 ${total}` : total),
    failed: "没能读取设备列表。",
  },
  maxSeconds: {
    label: "最长训练时间",
    help: "训练不再进步时会自己停下来；如果一直在进步，到了这个时间也会停。读取、测试和保存的时间另算。",
    why: "大多数表格用不了这么久就能学好。",
    values: { 15: "15 秒", 45: "45 秒", 60: "1 分钟", 300: "5 分钟", 900: "15 分钟", 3600: "1 小时", 14400: "4 小时", 86400: "1 天" },
  },

  api: {
    title: "你的其他程序",
    label: "回答这台电脑上的程序",
    help: "与 OpenAI 相同的接口，可以使用语言模型和你训练的一切。只有这台电脑上带着密钥的程序能用。平时关闭。",
    port: "端口",
    portHelp: "通常是 8642。被占用时请换一个。",
    address: "基础地址",
    key: "密钥",
    keyHelp: "把它交给允许使用的程序。换新密钥后，旧密钥就失效。",
    newKey: "换一个新密钥",
  },

  about: "当前安装",
  workspace: {
    label: "工作区",
    help: "项目、训练和模型都以普通文件的形式放在这里。复制这个文件夹，就是备份。",
  },
  version: "版本",
  update: {
    label: "更新",
    off: "Paddock 从不自己查找更新。拿到更新文件后，在这里检查，或把它拖到窗口里。",
    noKey: "这个版本没有用来检查更新的公钥，所以不接受更新文件。请手动安装新版本。",
    choose: "检查更新文件……",
    checking: "正在检查签名和每一个字节……",
    good: (version: string, size: string) => `签名无误：版本 ${version}，${size}。`,
    how: {
      appimage: "关闭 Paddock，用这个文件换掉旧文件，再启动。",
      deb: "关闭 Paddock，像第一次那样安装这个软件包。",
      dmg: "关闭 Paddock，打开这个文件，把 Paddock 拖进“应用程序”。",
      exe: "关闭 Paddock，再打开这个文件。",
      zip: "关闭 Paddock，解压到它的文件夹上覆盖。程序旁边的工作区会保留。",
    },
    show: "在文件夹中显示",
    save: "保存安装文件",
  },
  machine: "电脑",
  machineIs: (cores: number, memory: string, platform: string) => zh.plural(cores, { other: `# 个核心，${memory} 内存，${platform}` }),
  door: { label: "窗口", electron: "桌面应用", browser: "浏览器", cli: "命令行" },
  network: {
    label: "网络",
    refused: (n: number) => (n === 0 ? "启动以来没有任何联网的尝试。" : zh.plural(n, { other: "启动以来已拒绝 # 次联网的尝试。" })),
    help: "Paddock 离线工作，不向任何地方发送任何东西。它的任何一个进程想要联网，都会被拒绝，并计入次数。这一点没有开关。",
  },
  restore: "恢复通常的设置",
} satisfies typeof shape;
