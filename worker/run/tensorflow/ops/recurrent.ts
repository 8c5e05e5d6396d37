// RNN, GRU and LSTM, one step of the sequence after another. Letters as in ops/recurrent.ts: X (T, B, I), W (D, G·H, I), R (D, G·H, H), bias
// (D, 2·G·H), lengths (B), states (D, B, H), peepholes (D, 3·H); Y (T, D, B, H), last states (D, B, H).
import { type Asked, type Entry, flat, type Step, type Tf, type TfTensor } from "../op.ts";

type Act = (x: TfTensor) => TfTensor;
interface State {
  h: TfTensor;
  c: TfTensor;
}
interface Cell {
  tf: Tf;
  units: number;
  /** The gates of one step from x, side by side: (B, G·H), its bias in it. */
  gates: TfTensor;
  state: State;
  /** Transposed: (H, G·H). */
  r: TfTensor;
  /** The recurrent side's bias, (G·H). */
  rb: TfTensor;
  act: Act[];
  linear: boolean;
  /** Input, output and forget peepholes, each (H). */
  peep: TfTensor[];
}
interface Kind {
  gates: number;
  activations: readonly string[];
  step(cell: Cell): State;
}

const part = (tf: Tf, x: TfTensor, i: number, units: number): TfTensor => tf.slice(x, [0, i * units], [x.shape[0]!, units]);
const half = (tf: Tf, x: TfTensor, i: number, size: number): TfTensor => tf.slice(x, [i * size], [size]);

const rnn: Kind = {
  gates: 1,
  activations: ["Tanh"],
  step({ tf, gates, state, r, rb, act }) {
    return { ...state, h: act[0]!(tf.add(tf.add(gates, tf.matMul(state.h, r)), rb)) };
  },
};

/** Gates z, r, h. */
const gru: Kind = {
  gates: 3,
  activations: ["Sigmoid", "Tanh"],
  step({ tf, units, gates, state, r, rb, act, linear }) {
    const two = tf.slice(r, [0, 0], [units, 2 * units]);
    const rest = tf.slice(r, [0, 2 * units], [units, units]);
    const zr = act[0]!(tf.add(tf.add(part(tf, gates, 0, 2 * units), tf.matMul(state.h, two)), half(tf, rb, 0, 2 * units)));
    const [z, reset] = [part(tf, zr, 0, units), part(tf, zr, 1, units)];
    const bias = half(tf, rb, 2, units);
    const recurrent = linear
      ? tf.mul(reset, tf.add(tf.matMul(state.h, rest), bias))
      : tf.add(tf.matMul(tf.mul(reset, state.h), rest), bias);
    const h = act[1]!(tf.add(part(tf, gates, 2, units), recurrent));
    return { ...state, h: tf.add(tf.mul(tf.sub(1, z), h), tf.mul(z, state.h)) };
  },
};

/** Gates i, o, f, c. */
const lstm: Kind = {
  gates: 4,
  activations: ["Sigmoid", "Tanh", "Tanh"],
  step({ tf, units, gates, state, r, rb, act, peep }) {
    const all = tf.add(tf.add(gates, tf.matMul(state.h, r)), rb);
    const look = (v: TfTensor, i: number, c: TfTensor) => (peep[i] ? tf.add(v, tf.mul(peep[i], c)) : v);
    const i = act[0]!(look(part(tf, all, 0, units), 0, state.c));
    const f = act[0]!(look(part(tf, all, 2, units), 2, state.c));
    const c = tf.add(tf.mul(f, state.c), tf.mul(i, act[1]!(part(tf, all, 3, units))));
    const o = act[0]!(look(part(tf, all, 1, units), 1, c));
    return { h: tf.mul(o, act[2]!(c)), c };
  },
};

const functions: Record<string, (tf: Tf) => Act> = {
  Sigmoid: (tf) => (x) => tf.sigmoid(x),
  Tanh: (tf) => (x) => tf.tanh(x),
  Relu: (tf) => (x) => tf.relu(x),
};

function activationNames({ attrs }: Pick<Asked, "attrs">, kind: Kind): readonly string[] {
  const given = attrs.all["activations"];
  return given?.type === "strings" ? given.value : [...kind.activations, ...kind.activations];
}

function run(s: Step, kind: Kind): TfTensor[] {
  const { tf, x, attrs, has } = s;
  const [input, w, r, bias, lengths] = x;
  const [steps, batch, width] = input.shape as [number, number, number];
  const units = r.shape[2]!;
  const total = kind.gates * units;
  const way = attrs.string("direction", "forward");
  const own = (v: TfTensor, d: number): TfTensor => tf.reshape(tf.slice(v, v.shape.map((_, i) => (i ? 0 : d)), v.shape.map((n, i) => (i ? n : 1))), v.shape.slice(1)); // prettier-ignore
  const directions = Array.from({ length: way === "bidirectional" ? 2 : 1 }, (_, d) => {
    const backwards = way === "reverse" || d === 1;
    const names = activationNames(s, kind).slice(d * kind.activations.length);
    const act = kind.activations.map((_, i) => functions[names[i]!]!(tf));
    const zeros = tf.zeros([batch, units]);
    const state = (i: number) => (has(i) ? own(x[i]!, d) : zeros);
    const biases = has(3) ? own(bias, d) : tf.zeros([2 * total]);
    const peep = has(7) ? [0, 1, 2].map((i) => half(tf, own(x[7]!, d), i, units)) : [];
    const rows = tf.matMul(tf.reshape(input, [-1, width]), own(w, d), false, true);
    const gates = tf.reshape(tf.add(rows, half(tf, biases, 0, total)), [steps, batch, total]);
    const cell = { tf, units, r: tf.transpose(own(r, d)), rb: half(tf, biases, 1, total), act, linear: attrs.int("linear_before_reset", 0) !== 0, peep }; // prettier-ignore
    const outputs: TfTensor[] = Array<TfTensor>(steps);
    let now: State = { h: state(5), c: state(6) };
    for (let k = 0; k < steps; k++) {
      const t = backwards ? steps - 1 - k : k;
      const next = kind.step({ ...cell, gates: own(gates, t), state: now });
      if (!has(4)) outputs[t] = next.h;
      else {
        // Behind its end a sequence gives zeros and its state stays; backwards, it has not begun there.
        const runs = flat(tf, () => tf.cast(tf.greater(tf.reshape(lengths, [-1, 1]), tf.scalar(t, "int32")), "float32"));
        const keep = (a: TfTensor, b: TfTensor) => tf.add(tf.mul(a, runs), tf.mul(b, tf.sub(1, runs)));
        outputs[t] = tf.mul(next.h, runs);
        next.h = keep(next.h, now.h);
        next.c = keep(next.c, now.c);
      }
      now = next;
    }
    return { y: tf.stack(outputs), h: now.h, c: now.c };
  });
  return [
    tf.stack(directions.map((d) => d.y), 1), // prettier-ignore
    tf.stack(directions.map((d) => d.h)),
    tf.stack(directions.map((d) => d.c)),
  ].slice(0, s.outputs);
}

const recurrent = (kind: Kind): Entry => ({
  run: (s) => run(s, kind),
  refuses(node) {
    const other = activationNames(node, kind).find((name) => !Object.hasOwn(functions, name));
    if (other) return `its activation ${other} is not known`;
    if (node.attrs.has("clip")) return "it has clip";
    if (node.attrs.int("input_forget", 0)) return "it has input_forget";
    return node.attrs.int("layout", 0) ? "it has layout 1" : undefined;
  },
});

export const recurrents = {
  RNN: recurrent(rnn),
  GRU: recurrent(gru),
  LSTM: recurrent(lstm),
} satisfies Record<string, Entry>;
