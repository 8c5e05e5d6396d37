import { en } from "../format.ts";

export const projects = {
  title: "Projects",
  empty: "No projects yet",
  emptyHelp: "Drop a table anywhere in this window, or choose a file, and it becomes your first project.",
  name: "Name",
  data: "Data",
  predicts: "Predicts",
  score: "Score",
  changed: "Changed",
  rows: (n: number) => en.plural(n, { one: "# row", other: "# rows" }),
  running: "training",
  notTrained: "not trained yet",
  rename: "Rename",
  renameOf: (name: string) => `Rename ${name}`,
  remove: "Remove",
  removeOf: (name: string) => `Remove ${name}`,
  removed: (name: string) => `'${name}' was removed.`,
  save: "Save",
};
