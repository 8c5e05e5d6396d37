// The loop on the real engine: stopped and resumed equals never stopped, to the bit; equal seeds give equal numbers; it stops when it
// should, and answers to pause and stop.
import { describe, expect, test } from "vitest";
import { scalar } from "../../worker/tensor.ts";
import { allFinite, type Checkpoint } from "../../worker/train/checkpoint.ts";
import { openToy, type ToyOptions, toySplit } from "./toy.ts";

/** All that a run leaves behind, but for the time it took. */
async function finish(options: ToyOptions) {
  const toy = await openToy(options);
  const ended = await toy.trainer.run();
  const { best, state } = toy.trainer;
  const last = toy.saved.at(-1)!;
  await toy.dispose();
  return {
    ended,
    best,
    step: state.step,
    losses: state.losses,
    states: last.states,
    points: toy.points,
    bestStep: state.stopping.best?.step,
  };
}

/** Interrupts after `steps` steps, and answers the checkpoint that was kept. */
async function interrupted(steps: number, options: ToyOptions = {}): Promise<{ checkpoint: Checkpoint; points: unknown[] }> {
  const abort = new AbortController();
  const toy = await openToy({ ...options, signal: abort.signal, onStep: ({ state }) => state.step >= steps && abort.abort() });
  await expect(toy.trainer.run()).rejects.toMatchObject({ code: "interrupted", data: { step: steps } });
  await toy.dispose();
  return { checkpoint: toy.saved.at(-1)!, points: toy.points };
}

test("the same seed gives the same bits", async () => {
  expect(await finish({})).toEqual(await finish({}));
});

// 7 steps are an epoch, 5 an evaluation, 3 a point: the places cover the middle and the end of each.
test.each([1, 5, 7, 12, 35, 69])("interrupted at step %i and resumed equals never interrupted, to the bit", async (steps) => {
  const whole = await finish({});
  const { checkpoint, points } = await interrupted(steps);
  const rest = await finish({ from: checkpoint });
  expect({ ...rest, points: [...points, ...rest.points] }).toEqual(whole);
});

test("a plateau lets the rate fall, and stands where it stood after a resume, to the bit", async () => {
  const course = { schedule: "plateau", plateauPatience: 1, lr: 0.05, steps: 140 } as const;
  const whole = await finish({ course });
  const rates = new Set(whole.points.map((p) => p.lr));
  expect(rates.size).toBeGreaterThan(2);
  for (const steps of [33, 82, 111]) {
    const { checkpoint, points } = await interrupted(steps, { course });
    expect(checkpoint.trainer.plateau!.best).toBeTypeOf("number");
    const rest = await finish({ course, from: { ...checkpoint, trainer: JSON.parse(JSON.stringify(checkpoint.trainer)) as never } });
    expect({ ...rest, points: [...points, ...rest.points] }).toEqual(whole);
  }
});

test("interrupted three times", async () => {
  const whole = await finish({});
  const first = await interrupted(4);
  const second = await interrupted(23, { from: first.checkpoint });
  const third = await interrupted(41, { from: second.checkpoint });
  expect((await finish({ from: third.checkpoint })).best).toEqual(whole.best);
});

test("interrupted in the middle of an evaluation", async () => {
  const whole = await finish({ validation: toySplit(5000, 3) });
  const abort = new AbortController();
  const validation = toySplit(5000, 3);
  let reads = 0;
  const range: typeof validation.range = (from, to) => {
    if (++reads === 5) abort.abort(); // the second piece of the second evaluation
    return validation.range(from, to);
  };
  const toy = await openToy({ signal: abort.signal, validation: { ...validation, range } as typeof validation });
  await expect(toy.trainer.run()).rejects.toMatchObject({ code: "interrupted" });
  await toy.dispose();
  const rest = await finish({ validation, from: toy.saved.at(-1)! });
  expect({ ...rest, points: [...toy.points, ...rest.points] }).toEqual(whole);
});

test("checkpoints on the way change nothing", async () => {
  expect(await finish({ checkpointEvery: 0 })).toEqual(await finish({}));
});

test("a run that had ended stays ended", async () => {
  const toy = await openToy({});
  await toy.trainer.run();
  await toy.dispose();
  const again = await openToy({ from: toy.saved.at(-1)! });
  expect(await again.trainer.run()).toBe("converged");
  expect(again.points).toEqual([]);
  expect(again.trainer.best).toEqual(toy.trainer.best);
  await again.dispose();
});

test("stops by itself when validation no longer improves, and keeps the best point", async () => {
  // Nothing but noise to learn, so that validation soon gets worse.
  const noise = { train: toySplit(40, 7, 30), validation: toySplit(60, 8, 30) };
  const run = await finish({
    ...noise,
    config: { dropout: 0 },
    course: { steps: 2000, patience: 6, lr: 0.01, batch: 20, schedule: "constant" },
  });
  expect(run.ended).toBe("converged");
  expect(run.step).toBeLessThan(2000);
  expect(run.step - run.bestStep!).toBe(6 * 5);
  const losses = run.points.flatMap((p) => p.validationLoss ?? []);
  const judged = run.points.filter((p) => p.validationLoss !== undefined);
  expect(judged.find((p) => p.step === run.bestStep)!.validationLoss).toBe(Math.min(...losses));
});

test("the time budget ends it, with a best point however early", async () => {
  const run = await finish({ course: { maxSeconds: 0, steps: 1000 } });
  expect(run).toMatchObject({ ended: "budget", step: 0 });
  expect(run.best.size).toBeGreaterThan(5);
});

test("a course too long for the time is shortened, so that the rate comes down to its end", async () => {
  const toy = await openToy({ course: { maxSeconds: 0.3, steps: 100_000, pointEvery: 1 } });
  expect(await toy.trainer.run()).toBe("budget");
  await toy.dispose();
  expect(toy.trainer.state.total).toBeLessThan(100_000);
  expect(toy.trainer.point!.lr).toBeLessThan(0.5 * toy.trainer.course.lr);
});

test("without held-out rows the last point is kept, after all steps", async () => {
  const run = await finish({ validation: undefined, course: { patience: 1 } });
  expect(run).toMatchObject({ ended: "converged", step: 70, bestStep: undefined });
  for (const [name, weights] of run.best) expect(weights).toEqual(run.states.get(name));
  expect(run.losses).toHaveLength(70);
});

test("pause holds it and keeps a checkpoint, resume goes on to the same end; stop ends it", async () => {
  const whole = await finish({});
  let paused = 0;
  const toy = await openToy({
    onStep: (trainer, control) => {
      if (trainer.paused) {
        paused++;
        setImmediate(() => control.resume());
      } else if (trainer.state.step === 20 && paused === 0) control.pause();
    },
  });
  expect(await toy.trainer.run()).toBe("converged");
  expect(paused).toBe(1);
  expect(toy.saved[0]!.trainer.step).toBe(20);
  expect(toy.trainer.best).toEqual(whole.best);
  await toy.dispose();

  const stopped = await finish({ onStep: ({ state }, control) => state.step === 33 && control.stop() });
  expect(stopped).toMatchObject({ ended: "interrupted", step: 33 });
});

test("a message is heard within 100 ms", async () => {
  const toy = await openToy({ course: { steps: 100_000 } });
  const done = toy.trainer.run();
  const waits: number[] = [];
  for (let i = 0; i < 5; i++) {
    const asked = performance.now();
    await new Promise((resolve) => setImmediate(resolve));
    waits.push(performance.now() - asked);
  }
  toy.control.stop();
  expect(await done).toBe("interrupted");
  await toy.dispose();
  // the engine's own blocking is one step; a crowded machine may stretch a single wait
  expect(waits.sort((a, b) => a - b)[2]).toBeLessThan(100);
});

test("a loss that is no number ends the run with advice", async () => {
  const toy = await openToy({ course: { lr: 1e30, schedule: "constant" } });
  await expect(toy.trainer.run()).rejects.toMatchObject({ code: "lossNotFinite", hint: expect.stringContaining("smaller learning rate") });
  await toy.dispose();
});

describe("a loss that leaves the numbers", () => {
  /** NaN from the step whose turn it is on: once each. */
  const failing = (...at: number[]): NonNullable<ToyOptions["wrap"]> => {
    let steps = 0;
    return (session) => ({
      ...session,
      step: async (feeds, lr) => {
        const result = await session.step(feeds, lr);
        return at.includes(++steps) ? { ...result, loss: scalar(NaN) } : result;
      },
      evaluate: (feeds) => session.evaluate(feeds),
      read: () => session.read(),
      write: (states) => session.write(states),
      dispose: () => session.dispose(),
    });
  };

  test("goes back to the last good point with a lower rate, says so, and the run comes to its end", async () => {
    const toy = await openToy({ restores: true, wrap: failing(20), checkpointEvery: 0, course: { schedule: "constant" } });
    expect(await toy.trainer.run()).toBe("converged");
    const { state } = toy.trainer;
    expect(state.setbacks).toEqual([{ step: 20, to: 19, part: 0.3 }]);
    expect([state.step, state.losses!.length]).toEqual([70, 70]);
    expect(state.losses!.every(Number.isFinite)).toBe(true);
    expect(toy.points.at(-1)!.lr).toBeCloseTo(0.3 * 0.003, 9);
    expect(toy.points[0]!.lr).toBeCloseTo(0.003, 9);
    await toy.dispose();
  });

  test("without a checkpoint begins again; what is kept goes on with the lower rate, to the same numbers", async () => {
    const toy = await openToy({ restores: true, wrap: failing(8) });
    await toy.trainer.run();
    expect(toy.trainer.state.setbacks).toEqual([{ step: 8, to: 0, part: 0.3 }]);
    const resumed = await openToy({ from: toy.saved[0]! });
    await resumed.trainer.run();
    expect(resumed.trainer.state.losses).toEqual(toy.trainer.state.losses);
    await Promise.all([toy.dispose(), resumed.dispose()]);
  });

  test("three times; then the run ends with advice, and no checkpoint holds what is no number", async () => {
    const toy = await openToy({ restores: true, course: { lr: 1e30, schedule: "constant" }, checkpointEvery: 0 });
    await expect(toy.trainer.run()).rejects.toMatchObject({ code: "lossNotFinite", message: expect.stringContaining("3 times") });
    expect(toy.trainer.state.setbacks!.map(({ part }) => part)).toEqual([0.3, 0.09, expect.closeTo(0.027)]);
    for (const { states } of toy.saved) expect(allFinite(states.values())).toBe(true);
    await toy.dispose();
  });
});

test("a network of 50 layers learns", async () => {
  const run = await finish({
    config: { depth: 50, width: 8, members: 1, dropout: 0 },
    course: { steps: 80, evaluateEvery: 40, lr: 0.003 },
  });
  const mean = (losses: number[]) => losses.reduce((a, b) => a + b) / losses.length;
  expect(mean(run.losses!.slice(-10))).toBeLessThan(0.5 * mean(run.losses!.slice(0, 10)));
});
