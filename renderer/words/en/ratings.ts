import { en } from "../format.ts";

export const ratings = {
  found: (rows: number, users: number, items: number, rated: boolean) => {
    const pairs = en.plural(rows, rated ? { one: "# rating", other: "# ratings" } : { one: "# choice", other: "# choices" });
    const who = en.plural(users, { one: "# user", other: "# users" });
    const what = en.plural(items, { one: "# item", other: "# items" });
    return rated
      ? `${pairs} by ${who} of ${what}; learning what each would rate highly, and what to recommend.`
      : `${pairs} by ${who} among ${what}, without ratings; learning what to recommend.`;
  },
  some: (n: number) => en.plural(n, { one: "# pair", other: "# pairs" }),
  roles: { user: "Who", item: "What", rating: "Rating", time: "Time" },
  noColumn: "none",
  range: "Ratings",
  rangeOf: (min: string, max: string, mean: string) => `${min} to ${max}, ${mean} on average`,
  density: "Of all pairs, there are",
  time: "From when to when",
  single: "Seen only once",
  singleOf: (users: number, items: number) =>
    `${en.plural(users, { one: "# user", other: "# users" })}, ${en.plural(items, { one: "# item", other: "# items" })}`,
  titles: (named: number, of: number) => `${en.count(named)} of ${en.count(of)} items have a title.`,
  noTitles: "The items have no titles: a table with their ids and a column named title gives them some.",
  addTitles: "Choose a table of titles…",
  distribution: "How often each rating is given",
  recommending: "Recommending",
  recall: (share: string) => `For ${share} of the users, what they really took last is among ten items recommended.`,
  leaveLastOut: "Each user's last item was kept back; it was looked for among all that the user did not have yet.",
  thisModel: "This model",
  popular: "What most people have",
  wins: (times: string) =>
    times
      ? `It finds it ${times} times as often as recommending everyone what most people have.`
      : "Better than recommending everyone what most people have.",
  loses: "Recommending everyone what most people have is as good here.",
  ranks: "Recommends by",
  ranksBy: (by: "weights" | "blend", items: number) =>
    by === "weights" ? "items that go together" : `items that go together, and two towers over all ${en.count(items)} items`,
  ranked: (by: "weights" | "blend" | "towers", items: number, weights: number) => {
    const all = en.plural(items, { one: "# item", other: "# items" });
    if (by === "weights") return `It ranks ${all}, by weights between them.`;
    if (by === "towers") return `It ranks ${all}, by two towers alone: weights between items added nothing here.`;
    return `It ranks ${all}: the ${en.count(weights)} that most people have by weights between them, and all by two towers as well.`;
  },
  nothingHeldOut: "Nothing was held out.",
  biases: "Usual rating of user and item",
  exportHelp: "model.onnx rates a pair; recommend.onnx, beside it in the run's folder, says what else fits. Both run wherever ONNX runs.",
  tryLead: "Choose someone, and see what would fit; or choose an item, and see what is like it.",
  ask: "What to ask",
  forUser: "For a user",
  likeItem: "Like an item",
  findUser: "Find a user",
  findItem: "Find an item",
  nobody: "Nothing is called so.",
  pairs: (n: number) => en.plural(n, { one: "# pair", other: "# pairs" }),
  fits: (user: string) => `What fits user ${user}`,
  like: (item: string) => `Like ${item}`,
  likeThis: (item: string) => `What is like ${item}`,
  byPopularity: "Too little is known here: this is what most people have.",
  item: "Item",
  expected: "Expected rating",
  had: (n: number) => en.plural(n, { one: "# item that the user has already", other: "# items that the user has already" }),
};
