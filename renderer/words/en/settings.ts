import { en } from "../format.ts";

export const settings = {
  title: "Settings",
  lead: "Nothing here is needed for a good result. A change holds at once.",
  help: (what: string, usual: string, why: string) => `${what} Usually “${usual}”: ${why}`,

  look: "Language and look",
  language: {
    label: "Language",
    auto: "As the system",
    help: "The language of every screen and message.",
    why: "the system's language is the one that you chose for this machine.",
  },
  theme: {
    label: "Theme",
    auto: "As the system",
    light: "Light",
    dark: "Dark",
    help: "Light or dark screens.",
    why: "many systems turn dark in the evening, and Paddock turns with them.",
  },

  training: "Training",
  device: {
    label: "Device",
    help: "Where networks are trained. A run that is under way keeps its device.",
    why: "for tables the processor is usually fastest, and it gives the same numbers every time.",
    auto: "The fastest, tried at the start of each training",
    looking: "Looking for devices…",
    again: "Look again",
    list: "Devices of this machine",
    works: "works",
    worksNot: "does not work here",
    memory: (used: string | null, total: string) => (used ? `${used} of ${total} in use` : total),
    failed: "The devices could not be read.",
  },
  maxSeconds: {
    label: "Longest training time",
    help: "A run ends by itself when it no longer gets better. This is the limit in case it goes on improving. Reading, testing and saving come on top.",
    why: "most tables are learned in well under that.",
    values: {
      15: "15 seconds",
      45: "45 seconds",
      60: "1 minute",
      300: "5 minutes",
      900: "15 minutes",
      3600: "1 hour",
      14400: "4 hours",
      86400: "1 day",
    },
  },

  api: {
    title: "Your other programs",
    label: "Answer programs on this machine",
    help: "An API like OpenAI's, for the language models and everything that you trained. Only programs of this machine reach it, and only with the key. Usually off.",
    port: "Port",
    portHelp: "Usually 8642. Another one where that is taken.",
    address: "Base address",
    key: "Key",
    keyHelp: "Give it to the programs that may ask. A new one shuts out those that have the old one.",
    newKey: "Make a new key",
  },

  about: "This installation",
  workspace: {
    label: "Workspace",
    help: "Projects, runs and models lie here as plain files. Copy the folder to keep a backup.",
  },
  version: "Version",
  update: {
    label: "Updates",
    off: "Paddock never looks for updates by itself. When you have got an update file, have it checked here, or drop it on the window.",
    noKey: "This build has no key to check updates by, so it takes none. Install a new version by hand.",
    choose: "Check an update file…",
    checking: "Checking the signature and every byte…",
    good: (version: string, size: string) => `Signed by who made this Paddock: version ${version}, ${size}.`,
    how: {
      appimage: "Close Paddock, put this file in the place of the old one, and start it.",
      deb: "Close Paddock and install this package as you did the first one.",
      dmg: "Close Paddock, open this file, and drag Paddock into Applications.",
      exe: "Close Paddock and open this file.",
      zip: "Close Paddock and unpack this over its folder. The workspace beside the program stays.",
    },
    show: "Show it in its folder",
    save: "Save the installer",
  },
  machine: "Machine",
  machineIs: (cores: number, memory: string, platform: string) =>
    en.plural(cores, { one: `# core, ${memory} of memory, ${platform}`, other: `# cores, ${memory} of memory, ${platform}` }),
  door: { label: "Window", electron: "Desktop app", browser: "Browser", cli: "Command line" },
  network: {
    label: "Network",
    refused: (n: number) =>
      n === 0
        ? "No attempt to reach it since the start."
        : en.plural(n, { one: "# attempt refused since the start.", other: "# attempts refused since the start." }),
    help: "Paddock works offline and sends nothing anywhere. Whatever tries to reach the network, in any of its processes, is refused and counted. There is no switch for that.",
  },
  restore: "Restore the usual settings",
};
