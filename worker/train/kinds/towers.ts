// Trains two towers (models/towers.ts) on who has what: each step takes some users, hides part of what they have, and asks for it.
import { type TowerSpec, towerTraining } from "../../models/towers.ts";
import { Random } from "../../random.ts";
import { openEngine } from "../../run/engine.ts";
import { countItems, type Sets } from "../../tasks/ease.ts";
import type { Towers } from "../../tasks/towers.ts";
import { float32, int64, type Tensor } from "../../tensor.ts";
import { stepSeconds } from "../plan.ts";
import { trainingPlan } from "../step.ts";

export interface TowerCourse {
  size: number;
  batch: number;
  steps: number;
  lr: number;
  decay: number;
  /** By the reckoning. */
  seconds: number;
}

/** Items of a user that are looked at in one step; of those with more, each step draws anew. */
const mostHad = 128;
/** Candidates of a step: all items where they are so few, else those that are asked for (of a user its share) and others drawn evenly. */
const candidates = 8192;

/** Seconds that the steps may take by the reckoning; passes over the users; steps, at least where these seconds allow. */
const budget = { seconds: 30, passes: 30, least: 300 };
/** Numbers of all vectors, at most: for very many items they are shorter. */
const mostNumbers = 16e6;

/** From the counts alone, so that equal data give equal numbers on every machine. */
export function towerCourse({ users, items, pairs }: { users: number; items: number; pairs: number }): TowerCourse {
  const size = Math.max(8, Math.min(pairs < 1e6 ? 32 : 64, Math.floor(mostNumbers / (2 * items))));
  const batch = users < 20_000 ? 64 : 256;
  const madds = 3 * batch * size * (Math.min(items, candidates) + mostHad);
  // A step goes over the whole tables and their moments.
  const each = stepSeconds(madds, 4 * items * size);
  const wished = Math.max(budget.least, Math.ceil((budget.passes * users) / batch));
  const steps = Math.max(1, Math.min(wished, Math.floor(budget.seconds / each)));
  return { size, batch, steps, lr: 0.01, decay: 0.001, seconds: steps * each };
}

/** Bytes that training with this course takes beside the pairs. */
export function towerBytes(items: number, { size, batch }: TowerCourse): number {
  const states = 2 * items * (2 * size + 1); // values, two moments and gradients, before and after a step
  return 4 * (5 * states + 6 * batch * Math.min(items, candidates) + 3 * batch * mostHad * size);
}

/**
 * On the processor: the session of the ratings is still open on the device. The same for the same sets, course and seed; `pause` is called
 * between steps.
 */
export async function trainTowers(
  sets: Sets,
  course: TowerCourse,
  { seed, pause }: { seed: number; pause: () => Promise<void> },
): Promise<Towers> {
  const { size, batch, steps, lr, decay } = course;
  const spec: TowerSpec = { items: sets.items, size, seed, decay };
  const engine = await openEngine("cpu");
  try {
    const forward = towerTraining(spec);
    const plan = trainingPlan(forward, { loss: "loss", optimizer: { name: "adam" }, keep: ["shown"], seed });
    const session = await engine.train(plan, undefined);
    try {
      const draw = drawing(sets, batch, seed);
      for (let step = 0; step < steps; step++) {
        const warm = Math.min(1, (step + 1) / Math.max(1, 0.05 * steps));
        const falling = 0.5 * (1 + Math.cos((Math.PI * step) / steps));
        await session.step(draw(), lr * warm * falling);
        await pause();
      }
      const states = await session.read();
      const of = (name: string) => states.get(name)!.data as Float32Array;
      return { size, had: of("had.vectors"), vectors: of("item.vectors"), bias: of("item.bias") };
    } finally {
      await session.dispose();
    }
  } finally {
    await engine.dispose();
  }
}

/** Batches of users who have two items or more, shuffled anew each time that all were taken. */
function drawing(sets: Sets, batch: number, seed: number): () => Record<string, Tensor> {
  const random = new Random(seed, "towers");
  const upTo = (n: number) => Math.floor(random.uniform() * n);
  const counts = countItems(sets);
  const users = Uint32Array.from(Array.from({ length: sets.users }, (_, u) => u).filter((u) => sets.starts[u + 1]! - sets.starts[u]! > 1));
  let next = users.length;
  const place = new Int32Array(sets.items).fill(-1);
  const pairs = sets.item.length;
  const mostWanted = Math.max(1, Math.floor(candidates / batch));
  return () => {
    const rows = Array.from({ length: Math.min(batch, users.length) }, () => {
      if (next >= users.length) {
        random.shuffle(users);
        next = 0;
      }
      const u = users[next++]!;
      const mine = random.shuffle(sets.item.slice(sets.starts[u], sets.starts[u + 1]));
      // From a quarter to nearly all is shown, at least one, and at least one is asked for.
      const cut = Math.max(1, Math.min(mine.length - 1, Math.round(mine.length * (0.25 + 0.7 * random.uniform()))));
      return { had: mine.subarray(0, Math.min(cut, mostHad)), wanted: mine.subarray(cut, cut + mostWanted) };
    });
    const among: number[] = [];
    const take = (item: number) => {
      if (place[item]! < 0) place[item] = among.push(item) - 1;
    };
    const all = sets.items <= candidates;
    if (all) for (let i = 0; i < sets.items; i++) take(i);
    else for (const { wanted } of rows) for (const item of wanted) take(item);
    const asked = rows.reduce((sum, { wanted }) => sum + wanted.length, 0);
    const draws = Math.max(0, candidates - among.length);
    const drawn = draws / sets.items;
    if (!all) for (let i = 0; i < draws; i++) take(upTo(sets.items));
    // By what is asked for it comes in with 1 - (1 - share)^asked, by drawing evenly with 1 - e^-drawn.
    const chance = among.map((item) => (all ? 0 : Math.log(1 - Math.exp(-(asked * counts[item]!) / pairs - drawn))));
    const long = rows.reduce((longest, { had }) => Math.max(longest, had.length), 1);
    const [b, c] = [rows.length, among.length];
    const had = new BigInt64Array(b * long);
    const mix = new Float32Array(b * long);
    const wanted = new Float32Array(b * c);
    rows.forEach((row, r) => {
      const share = 1 / Math.sqrt(row.had.length);
      row.had.forEach((item, h) => {
        had[r * long + h] = BigInt(item);
        mix[r * long + h] = share;
      });
      for (const item of row.wanted) wanted[r * c + place[item]!] = 1 / row.wanted.length;
    });
    for (const item of among) place[item] = -1;
    return {
      had: int64([b, long], had),
      mix: float32([b, 1, long], mix),
      among: int64([c], among),
      chance: float32([1, c], chance),
      wanted: float32([b, c], wanted),
    };
  };
}
