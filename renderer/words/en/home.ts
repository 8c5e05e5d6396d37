import { en } from "../format.ts";

export const home = {
  title: "Train a network on your own data",
  lead: "Drop in a table of numbers, words or texts, or a folder of pictures. Paddock finds out what is in it, trains a neural network on this machine, and gives you the model to keep.",
  dropTitle: "Drop a file or a folder here",
  dropHelp: "A table (CSV, Excel, Parquet, JSON, SQLite …), or a folder or zip of pictures. It stays on this machine.",
  choose: "Choose a file…",
  chooseFolder: "Choose a folder…",
  samplesTitle: "Or try one of these",
  samples: { penguins: "Penguins", houses: "Houses", bikes: "Bikes" },
  samplesHelp: "Each trains in seconds.",
  sample: (rows: number, target: string) => en.plural(rows, { one: `# row · predicts ${target}`, other: `# rows · predicts ${target}` }),
  recentTitle: "Recent projects",
  recentAll: "All projects",
  recentNone: "Your projects appear here once you have dropped a file.",
  lessonTitle: "New to this? Start with a line.",
  lessonText: "Three points, one line, and how a machine learns to draw it. Five minutes, no mathematics needed.",
  lessonOpen: "Open the lesson",
};
