// What a person should know about a set of pictures before learning from it.
import type { ImagesProfile, PictureProblem } from "../../../ipc/types.ts";
import type { Twins } from "./duplicates.ts";

/** Single findings told; the rest as one number. */
const mostTold = 50;
const few = 20;

export function unlabelled(names: string[], layout: ImagesProfile["layout"]): PictureProblem {
  const count = names.length;
  const where = layout === "folders" ? "lies in no class folder" : "has no label in the table";
  return {
    code: "pictureWithoutClass",
    file: names[0]!,
    files: names.slice(0, few),
    data: { count },
    message:
      count === 1 ? `'${names[0]!}' ${where}, and is left out.` : `${count} pictures are left out: '${names[0]!}' ${where}, as do others.`,
    hint: layout === "folders" ? "Put them into the folder of their class." : "Add them to the table.",
  };
}

export function classProblems(layout: ImagesProfile["layout"], classes: ImagesProfile["classes"]): PictureProblem[] {
  const problems: PictureProblem[] = [];
  if (layout === "flat")
    problems.push({
      code: "noClasses",
      data: {},
      message: "Nothing says what the pictures show.",
      hint: "Put each class into a folder of its own, or a table with the columns file and label beside the pictures.",
    });
  else if (classes.length === 1)
    problems.push({
      code: "oneClass",
      data: { class: classes[0]!.name },
      message: `All pictures are of one class, '${classes[0]!.name}'.`,
      hint: "Add pictures of another class: there is nothing to tell apart yet.",
    });
  const rare = classes.filter(({ count }) => count < 5);
  if (rare.length && classes.length > 1)
    problems.push({
      code: "rareClasses",
      data: { count: rare.length, class: rare[0]!.name },
      message: `${rare.length === 1 ? `The class '${rare[0]!.name}' has` : `${rare.length} classes, such as '${rare[0]!.name}', have`} fewer than 5 pictures.`,
      hint: "Add pictures of them, or take them out.",
    });
  const counts = classes.map(({ count }) => count).sort((a, b) => a - b);
  const [least, most] = [counts[0] ?? 0, counts.at(-1) ?? 0];
  if (classes.length > 1 && most >= 10 * least)
    problems.push({
      code: "unevenClasses",
      data: { least, most },
      message: `The largest class has ${most} pictures, the smallest ${least}.`,
      hint: "Accuracy alone says little then; look at macro F1 and at the confusion matrix.",
    });
  return problems;
}

/** Copies within a class are told once, as a number; what lies in two classes is told pair by pair. */
export function twinProblems(
  rows: readonly { name: string; label: number }[],
  classes: readonly string[],
  { same, near }: Twins,
): PictureProblem[] {
  const told: PictureProblem[] = [];
  const nameOf = (i: number) => rows[i]!.name;
  const classOf = (i: number) => classes[rows[i]!.label] ?? "";
  const inOne = (group: readonly number[]) => group.every((i) => rows[i]!.label === rows[group[0]!]!.label);
  const within = same.filter(inOne);
  const copies = within.reduce((sum, group) => sum + group.length - 1, 0);
  if (copies)
    told.push({
      code: "duplicatePictures",
      file: nameOf(within[0]![1]!),
      files: within.slice(0, few).map((group) => nameOf(group[1]!)),
      data: { count: copies },
      message: `${copies} ${copies === 1 ? "picture is a copy" : "pictures are copies"} of others, such as '${nameOf(within[0]![1]!)}' of '${nameOf(within[0]![0]!)}'.`,
      hint: "Copies stay on the same side of the split, so nothing needs to be done.",
    });
  const across = same
    .filter((group) => !inOne(group))
    .map((group): PictureProblem => {
      const other = group.find((i) => rows[i]!.label !== rows[group[0]!]!.label)!;
      return {
        code: "duplicateAcrossClasses",
        file: nameOf(other),
        files: group.slice(0, few).map(nameOf),
        data: { file: nameOf(other), other: nameOf(group[0]!), class: classOf(other), otherClass: classOf(group[0]!) },
        message: `The same picture is in two classes: '${nameOf(group[0]!)}' and '${nameOf(other)}'.`,
        hint: "Keep it in the class that it shows.",
      };
    });
  const nearWithin = near.filter(([a, b]) => rows[a]!.label === rows[b]!.label);
  if (nearWithin.length)
    told.push({
      code: "nearDuplicates",
      file: nameOf(nearWithin[0]![1]),
      files: nearWithin.slice(0, few).map(([, b]) => nameOf(b)),
      data: { count: nearWithin.length },
      message: `${nearWithin.length} ${nearWithin.length === 1 ? "pair of pictures looks" : "pairs of pictures look"} the same, such as '${nameOf(nearWithin[0]![0])}' and '${nameOf(nearWithin[0]![1])}'.`,
      hint: "They may stand on both sides of the split and make the test look better than it is; keep one of each.",
    });
  const nearAcross = near
    .filter(([a, b]) => rows[a]!.label !== rows[b]!.label)
    .map(([a, b]): PictureProblem => ({
      code: "nearDuplicateAcrossClasses",
      file: nameOf(b),
      files: [nameOf(a), nameOf(b)],
      data: { file: nameOf(b), other: nameOf(a), class: classOf(b), otherClass: classOf(a) },
      message: `Two pictures look the same and are in two classes: '${nameOf(a)}' and '${nameOf(b)}'.`,
      hint: "Check which class is right.",
    }));
  const pairs = [...across, ...nearAcross];
  told.push(...pairs.slice(0, mostTold));
  if (pairs.length > mostTold)
    told.push({
      code: "moreProblems",
      data: { count: pairs.length - mostTold },
      message: `${pairs.length - mostTold} more pictures are in two classes.`,
      hint: "Put these right first, and look again.",
    });
  return told;
}
