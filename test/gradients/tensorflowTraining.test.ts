// Training on TensorFlow against training on ONNX Runtime: the same forward graphs, TensorFlow's gradients and optimizers against ours.
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Builder } from "../../worker/ops/builder.ts";
import { type Engine, openEngine, type TrainingSession } from "../../worker/run/engine.ts";
import { TfEngine } from "../../worker/run/tensorflow.ts";
import { float32, int64, type Tensor, toNumbers } from "../../worker/tensor.ts";
import { partsOf } from "../../worker/train/parts.ts";
import { optimizerNames } from "../../worker/train/optimizer.ts";
import { type OptimizerSpec, type StepOptions, trainingPlan, trainingStep } from "../../worker/train/step.ts";
import { type Case, convNet, foreignNet, suiteNet, tableNet, tinyNet } from "./nets.ts";

const cpu = await openEngine("cpu", { threads: 1 });
const tensorflow = new TfEngine(tf);
beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend("cpu");
});
afterAll(() => cpu.dispose());

const options = (optimizer: OptimizerSpec, more: Partial<StepOptions> = {}): StepOptions => ({ loss: "loss", optimizer, seed: 7, ...more });

async function walk(session: TrainingSession, batch: Record<string, Tensor>, lr: number, steps: number): Promise<number[]> {
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) losses.push(toNumbers((await session.step(batch, lr))["loss"]!)[0]!);
  return losses;
}

async function trained(engine: Engine, { forward, batch }: Case, step: StepOptions, lr: number, steps = 20) {
  const session = await engine.train(trainingPlan(forward, step), undefined);
  try {
    return { losses: await walk(session, batch, lr, steps), states: await session.read() };
  } finally {
    await session.dispose();
  }
}

const ofTheirOwn: string[] = ["sgd", "momentum", "nesterov", "rmsprop", "adagrad", "adam", "adamw"];

const furthest = (a: readonly number[], b: readonly number[]): number => Math.max(...a.map((v, i) => Math.abs(v - b[i]!)));

const cases: Record<string, () => Case> = {
  "table, a number": () => tableNet("regression"),
  "table, classes": () => tableNet("classification"),
  convnet: convNet,
  lstm: () => foreignNet("lstm"),
  gpt: () => foreignNet("gpt"),
  "residual convnet": () => suiteNet("resnet18"),
  "transformer of images": () => suiteNet("vit"),
  "LoRA over 4 bits": () => suiteNet("lora"),
};

/** Nets that take long on TensorFlow.js without its library: one optimizer tells. */
const slow = new Set(["residual convnet", "transformer of images", "LoRA over 4 bits"]);

describe("twenty steps have one curve", () => {
  for (const [name, make] of Object.entries(cases))
    test.each(
      (
        [
          ["sgd", 0.05, 1e-4],
          ["adam", 0.005, 1e-3],
        ] as const
      ).filter(([optimizer]) => optimizer === "sgd" || !slow.has(name)),
    )(`${name}, %s`, async (optimizer, lr, tolerance) => {
      const net = make();
      const ours = await trained(cpu, net, options({ name: optimizer }), lr);
      const theirs = await trained(tensorflow, net, options({ name: optimizer }), lr);
      expect(ours.losses.at(-1)).toBeLessThan(ours.losses[0]!);
      expect(furthest(theirs.losses, ours.losses), `${theirs.losses.join()} against ${ours.losses.join()}`).toBeLessThan(tolerance);
      expect([...theirs.states.keys()].sort()).toEqual([...ours.states.keys()].sort());
      for (const [state, value] of ours.states) {
        const found = theirs.states.get(state)!;
        expect([found.dtype, [...found.dims]], state).toEqual([value.dtype, [...value.dims]]);
        // Adam makes whole steps of what is noise, such as the slope of a bias that a normalisation takes away again.
        if (optimizer === "sgd") expect(furthest(toNumbers(found), toNumbers(value)), state).toBeLessThan(1e-3);
      }
    });
});

describe("optimizers", () => {
  const specs: [string, OptimizerSpec, number, number, Partial<StepOptions>?][] = [
    ["sgd with l2", { name: "sgd", l2: 0.1 }, 0.05, 1e-5],
    ["momentum", { name: "momentum", momentum: 0.8 }, 0.02, 1e-5],
    ["nesterov", { name: "nesterov" }, 0.02, 1e-5],
    ["adam with l2", { name: "adam", l2: 0.05, beta1: 0.8 }, 0.01, 1e-4],
    ["adamw", { name: "adamw", weightDecay: 0.2 }, 0.01, 1e-4],
    ["adamw, clipped by norm", { name: "adamw" }, 0.01, 1e-4, { clipNorm: 0.1 }],
    ["sgd, clipped by value", { name: "sgd" }, 0.05, 1e-5, { clipValue: 0.01 }],
    ["some that decay", { name: "adamw", weightDecay: 0.3 }, 0.01, 1e-4, { decay: (p) => p.endsWith(".weight") }],
    ["some that stay", { name: "sgd" }, 0.05, 1e-5, { skip: ["out.weight"] }],
    // ε stands under their root and beside ours: they part where gradients are small
    ["rmsprop", { name: "rmsprop", momentum: 0.5 }, 0.001, 1e-3],
    ["adagrad", { name: "adagrad" }, 0.01, 1e-3],
  ];
  test.each(specs)("%s as ours", async (_, spec, lr, tolerance, more) => {
    const net = tinyNet();
    const step = options(spec, more);
    const [ours, theirs] = [await trained(cpu, net, step, lr), await trained(tensorflow, net, step, lr)];
    expect(furthest(theirs.losses, ours.losses), `${theirs.losses.join()} against ${ours.losses.join()}`).toBeLessThan(tolerance);
    for (const p of net.forward.parameters.filter((name) => ours.states.has(name)))
      expect(furthest(toNumbers(theirs.states.get(p)!), toNumbers(ours.states.get(p)!)), p).toBeLessThan(50 * tolerance);
  });

  // TensorFlow.js has none of these, or not with this setting: our composition, TensorFlow's gradients and operations
  const composed: [string, OptimizerSpec, Partial<StepOptions>?][] = [
    ...optimizerNames.filter((name) => !ofTheirOwn.includes(name)).map((name): [string, OptimizerSpec] => [name, { name }]),
    ["rmsprop about the mean", { name: "rmsprop", centered: true }],
    ["adagrad with an eps", { name: "adagrad", eps: 1e-6 }],
    ["adam, gradients of three steps", { name: "adam" }, { accumulate: 3 }],
    ["adam, the loss scaled", { name: "adam" }, { lossScale: 1024 }],
  ];
  test.each(composed)("%s by its composition", async (_, spec, more) => {
    const net = tinyNet();
    const step = options(spec, more);
    const [ours, theirs] = [await trained(cpu, net, step, 0.003), await trained(tensorflow, net, step, 0.003)];
    expect(furthest(theirs.losses, ours.losses), `${theirs.losses.join()} against ${ours.losses.join()}`).toBeLessThan(1e-4);
    expect([...theirs.states.keys()].sort()).toEqual([...ours.states.keys()].sort());
    for (const [state, value] of ours.states)
      expect(furthest(toNumbers(theirs.states.get(state)!), toNumbers(value)), state).toBeLessThan(1e-3);
  });
});

describe("steps in parts are whole steps, on both engines", () => {
  test.each([
    ["adamw, clipped by norm", { name: "adamw" }, { clipNorm: 0.1 }],
    ["muon, the loss scaled", { name: "muon" }, { lossScale: 64 }],
  ] as [string, OptimizerSpec, Partial<StepOptions>][])("%s", async (_, spec, more) => {
    const net = tinyNet();
    const before = tf.memory().numTensors;
    for (const engine of [cpu, tensorflow]) {
      const whole = await trained(engine, net, options(spec, more), 0.01, 6);
      const session = await engine.train(trainingPlan(net.forward, options(spec, { ...more, inParts: true })), undefined);
      const losses: number[] = [];
      for (let i = 0; i < 6; i++) {
        let sum = 0;
        for (const { feeds, share } of partsOf(net.batch, 3)) sum += share * toNumbers((await session.step(feeds, 0.01))["loss"]!)[0]!;
        losses.push(sum);
      }
      expect(furthest(losses, whole.losses), losses.join()).toBeLessThan(1e-5);
      const states = await session.read();
      expect([...states.keys()].sort()).toEqual([...whole.states.keys()].sort());
      expect(toNumbers(states.get("t")!)).toEqual([7]);
      await session.dispose();
    }
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe("a step that is made already, by TensorFlow's operations", () => {
  for (const [name, make] of Object.entries(cases))
    test(name, async () => {
      const { forward, batch } = make();
      const step = trainingStep(forward, options({ name: "adamw" }));
      const before = tf.memory().numTensors;
      const [ours, theirs] = [await cpu.train(step, undefined), await tensorflow.train(step, undefined)];
      const [a, b] = [await walk(ours, batch, 0.003, 10), await walk(theirs, batch, 0.003, 10)];
      expect(furthest(b, a), `${b.join()} against ${a.join()}`).toBeLessThan(1e-3);
      await theirs.write(await ours.read());
      expect(furthest(await walk(theirs, batch, 0.003, 1), await walk(ours, batch, 0.003, 1))).toBeLessThan(1e-4);
      for (const session of [ours, theirs]) await session.dispose();
      expect(tf.memory().numTensors).toBe(before);
    });
});

describe("state", () => {
  test.each(["sgd", "momentum", "adamw", "rmsprop", "adagrad", "nadam", "muon"] as const)(
    "%s: stopped and resumed has the bits of never stopped",
    async (name) => {
      const { forward, batch } = tinyNet();
      const plan = trainingPlan(forward, options({ name }));
      const whole = await trained(tensorflow, { forward, batch }, options({ name }), 0.01);
      expect(await trained(tensorflow, { forward, batch }, options({ name }), 0.01)).toEqual(whole);
      const losses: number[] = [];
      let saved: Map<string, Tensor> | undefined;
      for (let part = 0; part < 4; part++) {
        const session = await tensorflow.train(plan, undefined);
        if (saved) await session.write(saved);
        losses.push(...(await walk(session, batch, 0.01, 5)));
        saved = await session.read();
        await session.dispose();
      }
      expect(losses).toEqual(whole.losses);
      expect(saved).toEqual(whole.states);
    },
  );

  test("what one engine has begun the other goes on with", async () => {
    const { forward, batch } = tinyNet();
    const plan = trainingPlan(forward, options({ name: "adamw" }));
    const ours = await trained(cpu, { forward, batch }, options({ name: "adamw" }), 0.01);
    const first = await cpu.train(plan, undefined);
    const losses = await walk(first, batch, 0.01, 10);
    const second = await tensorflow.train(plan, undefined);
    await second.write(await first.read());
    losses.push(...(await walk(second, batch, 0.01, 10)));
    expect(furthest(losses, ours.losses)).toBeLessThan(1e-4);
    await first.dispose();
    await second.dispose();
  });

  test("running statistics are states, and judge", async () => {
    const { forward, batch } = convNet();
    const { states } = await trained(tensorflow, { forward, batch }, options({ name: "sgd" }), 0.05, 3);
    expect(Math.max(...toNumbers(states.get("n0.mean")!).map(Math.abs))).toBeGreaterThan(0.001);
  });

  test("read gives copies, write refuses what does not fit", async () => {
    const { forward, batch } = tinyNet();
    const session = await tensorflow.train(trainingPlan(forward, options({ name: "adam" })), undefined);
    const before = await session.read();
    const kept = before.get("out.weight")!.data.slice();
    await walk(session, batch, 0.01, 3);
    expect(before.get("out.weight")!.data).toEqual(kept);
    expect((await session.read()).get("out.weight")!.data).not.toEqual(kept);
    await session.write(before);
    expect((await session.read()).get("out.weight")!.data).toEqual(kept);
    for (const [name, value] of [
      ["out.weight", float32([1], [1])],
      ["nobody", float32([], [1])],
      ["t", float32([1], [1])],
    ] as const)
      // prettier-ignore
      await expect(session.write(new Map([[name, value]]))).rejects.toMatchObject({ code: "shapeMismatch", data: { state: name } });
    await session.dispose();
  });

  test("a hundred steps leave no tensor behind, a closed session none at all", async () => {
    const empty = tf.memory().numTensors;
    const { forward, judge, batch } = tableNet("classification");
    const session = await tensorflow.train(trainingPlan(forward, options({ name: "adamw" }, { keep: ["shown"] })), judge);
    const feeds = { x: batch["x"]!, codes: batch["codes"]! };
    await walk(session, batch, 0.01, 1);
    await session.evaluate(feeds);
    const after = tf.memory();
    for (let i = 0; i < 10; i++) {
      await walk(session, batch, 0.01, 10);
      await session.evaluate(feeds);
      await session.write(await session.read());
    }
    expect(tf.memory()).toMatchObject({ numTensors: after.numTensors, numBytes: after.numBytes });
    await session.dispose();
    expect(tf.memory().numTensors).toBe(empty);
  });

  test("what is judged is the net as it is now, without dropout", async () => {
    const { forward, judge, batch } = tableNet("regression");
    const feeds = { x: batch["x"]!, codes: batch["codes"]! };
    const [ours, theirs] = [await cpu.train(trainingPlan(forward, options({ name: "sgd" })), judge), await tensorflow.train(trainingPlan(forward, options({ name: "sgd" })), judge)]; // prettier-ignore
    for (const session of [ours, theirs]) await walk(session, batch, 0.05, 5);
    const [a, b] = [(await ours.evaluate(feeds))["answer"]!, (await theirs.evaluate(feeds))["answer"]!];
    expect(furthest(toNumbers(a), toNumbers(b))).toBeLessThan(1e-5);
    await ours.dispose();
    await theirs.dispose();
  });
});

describe("what TensorFlow cannot do is said before the run", () => {
  const lossOf = (build: (g: Builder) => ReturnType<Builder["value"]>) => {
    const g = new Builder("refused");
    g.output(g.reduceSum(build(g), { keepdims: false }), "loss");
    return trainingPlan(g.graph, options({ name: "sgd" }));
  };

  test("an operator that it does not have, by node", async () => {
    const plan = lossOf((g) => g.op("Det", [g.parameter("p", [2, 2], new Float32Array(4))]));
    await expect(tensorflow.train(plan, undefined)).rejects.toMatchObject({
      code: "operatorUnknown",
      data: { operator: "Det", node: "Det" },
    });
  });

  test("a type that it does not have", async () => {
    const plan = lossOf((g) => g.cast(g.cast(g.parameter("p", [2], new Float32Array(2)), "float64"), "float32"));
    await expect(tensorflow.train(plan, undefined)).rejects.toThrow("TensorFlow.js has no float64");
  });

  test("a whole number that 32 bits do not hold", async () => {
    const g = new Builder("far");
    g.output(g.add(g.input("n", "int64", [2]), 1), "m");
    const session = await tensorflow.load(g.graph);
    expect(toNumbers((await session.run({ n: int64([2], [3, -5]) }))["m"]!)).toEqual([4, -4]);
    await expect(session.run({ n: int64([2], [3, 2 ** 31]) })).rejects.toMatchObject({ code: "shapeMismatch", data: { value: "n" } });
    await session.dispose();
  });

  test("shapes that do not meet, with the node and its shapes", async () => {
    const g = new Builder("met");
    g.output(g.matmul(g.input("a", "float32", ["B", 3]), g.input("b", "float32", [3, 2])), "y");
    const session = await tensorflow.load(g.graph);
    const feeds = { a: float32([1, 2], [1, 2]), b: float32([3, 2], [1, 2, 3, 4, 5, 6]) };
    await expect(session.run(feeds)).rejects.toThrow(/MatMul 'MatMul' \(float32\[B, 3\], float32\[3, 2\]\)/);
    await session.dispose();
  });
});
