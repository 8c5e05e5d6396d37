import { en } from "../format.ts";

export const pictures = {
  found: (rows: number, classes: number) =>
    classes > 1
      ? `${en.plural(rows, { one: "# picture", other: "# pictures" })} of ${en.plural(classes, { one: "# class", other: "# classes" })}; learning to tell what a picture shows.`
      : `${en.plural(rows, { one: "# picture", other: "# pictures" })}.`,
  facts: (bytes: string, formats: string, size: string) => `${bytes} · ${formats}${size ? ` · mostly about ${size} pixels` : ""}`,
  layout: {
    folders: "The classes are the names of the folders that the pictures lie in.",
    labels: "The classes stand in the table beside the pictures.",
    flat: "Nothing says what the pictures show: put each class into a folder of its own.",
  },
  some: (rows: number) => en.plural(rows, { one: "# picture", other: "# pictures" }),
  title: "Pictures",
  allClasses: "All classes",
  ofClass: "Pictures of which class",
  from: (from: string, to: string, of: string) => `Pictures ${from}–${to} of ${of}`,
  before: "Earlier pictures",
  after: "Later pictures",
  gone: "cannot be shown",
  where: "Where it looked",
  whereHelp: "What stays bright is what the answer came from: covering it changes the answer most.",
  looking: "Covering one part after another…",
  classes: "Classes",
  class: "Class",
  count: "Pictures",
  showAll: (n: number) => `Show all ${en.count(n)} classes`,
  noPlan: "There is nothing to learn yet: pictures of at least two classes are needed.",
  what: (classes: number) => `A network learns to tell ${en.count(classes)} classes of pictures apart.`,
  lead: "Show the network a picture that it has never seen.",
  help: "Choose or drop a picture, or a folder, zip or tar of many.",
  choose: "Choose a picture…",
  preview: "The picture that was asked about",
  file: "File",
  shows: "Shows",
};
