// paddock recommend: what else fits a user, or what is like an item.
import { Command } from "commander";
import { AppError } from "../../ipc/error.ts";
import type { Recommended } from "../../ipc/types.ts";
import { action } from "./action.ts";
import { columns, short } from "./output.ts";
import { whole } from "./values.ts";

interface Options {
  user?: string;
  item?: string;
  top: number;
}

export function recommendCommand(): Command {
  return new Command("recommend")
    .description("say what else fits a user, or what is like an item")
    .argument("<run>", "the folder of a run on ratings, or its model.onnx")
    .option("--user <id>", "a user of the ratings; one who is not known gets what most people have")
    .option("--item <id>", "an item: those that the same people have")
    .option("--top <n>", "how many", whole(1, 1000), 10)
    .option("--json", "print one JSON object")
    .action(
      action(async (context, given: string, { user, item, top }: Options) => {
        if ((user === undefined) === (item === undefined))
          throw new AppError("usage", "Give either --user or --item.", "paddock recommend RUN --user U, or --item I.");
        const { findTrained } = await import("./runPath.ts");
        const run = await findTrained(given, context.paths);
        if (user !== undefined) {
          const found = await context.withWorker((api) => api.recommend({ run, user, top }, context.signal));
          const who = found.known ? `For '${found.user}'` : `'${found.user}' is not known`;
          const how = found.by === "model" ? `${who}:` : `${who}; this is what most people have:`;
          const unseen = found.seen === null ? "\nWho has what is not at hand: the list may hold what the user has." : "";
          return { json: found, text: `${how}\n${list(found.items)}${unseen}` };
        }
        const found = await context.withWorker((api) => api.similar({ run, item: item!, top }, context.signal));
        const what = `'${found.item}'${found.title === undefined ? "" : ` (${found.title})`}`;
        const how = found.by === "model" ? `Like ${what}:` : `${what} is not known well enough; this is what most people have:`;
        return { json: found, text: `${how}\n${list(found.items)}` };
      }),
    );
}

const list = (items: Recommended[]): string =>
  columns(items.map(({ item, title, rating, score }) => [item, title ?? "", rating === undefined ? "" : short(rating), short(score)]));
