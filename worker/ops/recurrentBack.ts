// Back through one direction of RNN, GRU and LSTM. All that does not run along the sequence is done for the whole of it at once: the
// gates out of the known states, the products with the weights. Each step keeps a few small nodes and one product with R.
// T steps, B batch, I inputs, H units, G gates.
import { fromNumbers } from "../tensor.ts";
import type { Builder, Value } from "./builder.ts";
import { lengthOf } from "./shapes.ts";

/** What one direction computes with, in the order in which it runs: the last step first when it runs backwards. */
export interface Direction {
  steps: number;
  units: number;
  /** Activations, as many as the kind has. */
  f: readonly string[];
  /** GRU: whether the state is reset behind the product with R. */
  linear: boolean;
  x: Value; // (T, B, I)
  w: Value; // (G·H, I)
  r: Value; // (G·H, H)
  /** (G·H) each: of the input, of the state. */
  bias: readonly [Value, Value] | undefined;
  h0: Value; // (B, H)
  c0: Value; // (B, H)
  /** (3·H): of input, output and forget gate. */
  peep: Value | undefined;
  /** (T, B, 1): 1 while a sequence runs; absent when all run to the end. */
  runs: Value | undefined;
  y: Value; // (T, B, H)
  dy: Value; // (T, B, H)
  dLast: Value; // (B, H): from the last state
  dLastCell: Value; // (B, H)
}

/** Gradients of the gates as the input and as the state see them (they differ in GRU), and of what only the steps know. */
export interface Back {
  input: Value; // (T·B, G·H)
  state: Value; // (T·B, G·H)
  /** Of R, where it is not stateᵀ · states before. */
  dr?: Value;
  dh0: Value;
  dc0?: Value;
  dPeep?: Value;
}

const activate = (g: Builder, f: string, x: Value): Value => (f === "Sigmoid" ? g.sigmoid(x) : f === "Tanh" ? g.tanh(x) : g.relu(x));
/** The slope of an activation out of its result. */
function slope(g: Builder, f: string, y: Value): Value {
  if (f === "Sigmoid") return g.mul(y, g.sub(1, y));
  return f === "Tanh" ? g.sub(1, g.square(y)) : g.cast(g.greater(y, 0), y.dtype);
}

/** (T, B, n) → (T·B, n) */
export const rows = (g: Builder, x: Value): Value => g.assume(g.reshape(x, [-1, x.dims[2]!]), [lengthOf(x.dims.slice(0, 2)), x.dims[2]!]);
/** (T, B, n) → T times (B, n) */
export const eachStep = (g: Builder, x: Value): Value[] =>
  g.split(x, Array<number>(x.dims[0] as number).fill(1), { axis: 0 }).map((p) => g.squeeze(p, [0]));
/** T times (B, n) → (T·B, n) */
const stack = (g: Builder, list: readonly Value[]): Value =>
  g.assume(g.concat(list, { axis: 0 }), [lengthOf([list.length, list[0]!.dims[0]!]), list[0]!.dims[1]!]);
/** (T·B, n) → (T, B, n) */
const unstack = (g: Builder, x: Value, like: Value): Value =>
  g.assume(g.reshape(x, [like.dims[0]!, -1, x.dims[1]!]), [...like.dims.slice(0, 2), x.dims[1]!]);
/** Ranges a·H … b·H along an axis. */
const cut = (g: Builder, x: Value, axis: number, [a, b]: readonly [number, number], units: number): Value =>
  g.slice(x, { starts: [a * units], ends: [b * units], axes: [axis] });
/** x · wᵀ + bias, as one product over all rows. */
const project = (g: Builder, x: Value, w: Value, bias?: Value): Value => unstack(g, g.gemm(rows(g, x), w, bias, { transB: 1 }), x);
/** aᵀ · b over all rows: the gradient of weights. */
export const weights = (g: Builder, a: Value, b: Value): Value => g.gemm(a, b, undefined, { transA: 1 });

/** The states before each step. */
export function before(g: Builder, first: Value, states: Value): Value {
  const steps = states.dims[0] as number;
  const start = g.unsqueeze(first, [0]);
  return steps === 1 ? start : g.concat([start, g.slice(states, { starts: [0], ends: [steps - 1], axes: [0] })], { axis: 0 });
}

/** Nothing where a sequence has ended. */
const while_ = (g: Builder, d: Direction, x: Value): Value => (d.runs ? g.mul(x, d.runs) : x);
/** A factor of what is carried to the step before: `x` in a sequence, 1 behind its end. */
const carried = (g: Builder, d: Direction, x: Value): Value => (d.runs ? g.add(g.mul(x, d.runs), g.sub(1, d.runs)) : x);
/** 0 in a sequence, 1 behind its end; absent where it is 0 throughout. */
const behind = (g: Builder, d: Direction): Value[] | undefined => d.runs && eachStep(g, g.sub(1, d.runs));

/** dz · R + what comes from the output of the step before and by other ways. */
function earlier(g: Builder, dz: Value, r: Value, dy: Value | undefined, other?: Value): Value {
  const dh = g.gemm(dz, r, dy);
  return other ? g.add(dh, other) : dh;
}

/** h' = f(x Wᵀ + h Rᵀ + b) */
export function backRnn(g: Builder, d: Direction): Back {
  const k = eachStep(g, while_(g, d, slope(g, d.f[0]!, d.y)));
  const dy = eachStep(g, while_(g, d, d.dy));
  const stay = behind(g, d);
  const dz: Value[] = [];
  let dh = g.add(d.dLast, dy.at(-1)!);
  for (let t = d.steps - 1; t >= 0; t--) {
    dz[t] = g.mul(dh, k[t]!);
    dh = earlier(g, dz[t]!, d.r, dy[t - 1], stay && g.mul(dh, stay[t]!));
  }
  const all = stack(g, dz);
  return { input: all, state: all, dh0: dh };
}

/** z, r = f(x Wᵀ + h Rᵀ + b); n = f(x Wᵀ + (r h) Rᵀ + b), or when linear f(x Wᵀ + b + r (h Rᵀ + b)); h' = (1 - z) n + z h */
export function backGru(g: Builder, d: Direction): Back {
  const { units, linear } = d;
  const old = before(g, d.h0, d.y);
  const range = (v: Value, axis: number, a: number, b: number) => cut(g, v, axis, [a, b], units);
  const fromX = project(g, d.x, d.w, linear ? d.bias?.[0] : d.bias && g.add(d.bias[0], d.bias[1])); // (T, B, 3H)
  const [rGates, rNew] = [range(d.r, 0, 0, 2), range(d.r, 0, 2, 3)];
  const fromH = project(g, old, rGates, linear && d.bias ? range(d.bias[1], 0, 0, 2) : undefined);
  const zr = activate(g, d.f[0]!, g.add(range(fromX, 2, 0, 2), fromH));
  const [z, r] = [range(zr, 2, 0, 1), range(zr, 2, 1, 2)];
  const reset = g.mul(r, old);
  const q = linear ? project(g, old, rNew, d.bias && range(d.bias[1], 0, 2, 3)) : undefined;
  const n = activate(g, d.f[1]!, g.add(range(fromX, 2, 2, 3), q ? g.mul(r, q) : project(g, reset, rNew)));
  const kz = while_(g, d, g.mul(g.sub(old, n), slope(g, d.f[0]!, z)));
  const kn = while_(g, d, g.mul(g.sub(1, z), slope(g, d.f[1]!, n)));
  const rSlope = slope(g, d.f[0]!, r);
  const carry = eachStep(g, carried(g, d, z));
  const dy = eachStep(g, while_(g, d, d.dy));
  const [dz, dn]: [Value[], Value[]] = [[], []];
  let dh = g.add(d.dLast, dy.at(-1)!);
  if (q) {
    // Each gate is dh times something known.
    const k = eachStep(g, g.concat([kz, g.mul(g.mul(kn, q), rSlope), g.mul(kn, r)], { axis: 2 }));
    for (let t = d.steps - 1; t >= 0; t--) {
      dn[t] = dh;
      dz[t] = g.mul(g.concat([dh, dh, dh], { axis: 1 }), k[t]!);
      dh = earlier(g, dz[t]!, d.r, dy[t - 1], g.mul(dh, carry[t]!));
    }
    const state = stack(g, dz);
    const newBack = g.mul(stack(g, dn), rows(g, kn)); // the input's part of n is not multiplied by r
    return { input: g.concat([range(state, 1, 0, 2), newBack], { axis: 1 }), state, dh0: dh };
  }
  const [kzs, kns, krs, rs] = [kz, kn, g.mul(old, rSlope), r].map((v) => eachStep(g, v)) as [Value[], Value[], Value[], Value[]];
  for (let t = d.steps - 1; t >= 0; t--) {
    dn[t] = g.mul(dh, kns[t]!);
    const dReset = g.matmul(dn[t]!, rNew);
    dz[t] = g.concat([g.mul(dh, kzs[t]!), g.mul(dReset, krs[t]!)], { axis: 1 });
    dh = earlier(g, dz[t]!, rGates, dy[t - 1], g.add(g.mul(dh, carry[t]!), g.mul(dReset, rs[t]!)));
  }
  const [gates, news] = [stack(g, dz), stack(g, dn)];
  const dr = g.concat([weights(g, gates, rows(g, old)), weights(g, news, rows(g, reset))], { axis: 0 });
  const all = g.concat([gates, news], { axis: 1 });
  return { input: all, state: all, dr, dh0: dh };
}

/** i, o, f = f(x Wᵀ + h Rᵀ + p c + b); c' = f c + i g(x Wᵀ + h Rᵀ + b); h' = o h(c'). The output gate looks at c', the others at c. */
export function backLstm(g: Builder, d: Direction): Back {
  const { units, f, peep } = d;
  const range = (v: Value, axis: number, a: number, b: number) => cut(g, v, axis, [a, b], units);
  const sum = g.add(project(g, d.x, d.w, d.bias && g.add(d.bias[0], d.bias[1])), project(g, before(g, d.h0, d.y), d.r)); // (T, B, 4H)
  const [pi, po, pf] = peep ? [range(peep, 0, 0, 1), range(peep, 0, 1, 2), range(peep, 0, 2, 3)] : [];
  const fresh = activate(g, f[1]!, range(sum, 2, 3, 4));
  const { i, forget, cells } = gatesOf();
  const old = before(g, d.c0, cells);
  const output = activate(g, f[0]!, po ? g.add(range(sum, 2, 1, 2), g.mul(po, cells)) : range(sum, 2, 1, 2));
  const shown = activate(g, f[2]!, cells);

  const ki = while_(g, d, g.mul(fresh, slope(g, f[0]!, i)));
  const ko = while_(g, d, g.mul(shown, slope(g, f[0]!, output)));
  const kf = while_(g, d, g.mul(old, slope(g, f[0]!, forget)));
  const kg = while_(g, d, g.mul(i, slope(g, f[1]!, fresh)));
  const show = while_(g, d, g.mul(output, slope(g, f[2]!, shown)));
  const toCell = eachStep(g, po ? g.add(show, g.mul(ko, po)) : show); // dc = dh · this + what later cells send
  const kept = carried(g, d, forget);
  const keep = eachStep(g, pi && pf ? g.add(kept, g.add(g.mul(ki, pi), g.mul(kf, pf))) : kept);
  const k = eachStep(g, g.concat([ki, ko, kf, kg], { axis: 2 }));
  const dy = eachStep(g, while_(g, d, d.dy));
  const stay = behind(g, d);
  const dz: Value[] = [];
  let dh = g.add(d.dLast, dy.at(-1)!);
  let dc = d.dLastCell;
  for (let t = d.steps - 1; t >= 0; t--) {
    const cell = g.add(dc, g.mul(dh, toCell[t]!));
    dz[t] = g.mul(g.concat([cell, dh, cell, cell], { axis: 1 }), k[t]!);
    dc = g.mul(cell, keep[t]!);
    dh = earlier(g, dz[t]!, d.r, dy[t - 1], stay && g.mul(dh, stay[t]!));
  }
  const all = stack(g, dz);
  const sums = (gate: number, of: Value) => g.reduceSum(g.mul(range(all, 1, gate, gate + 1), rows(g, of)), { axes: [0], keepdims: false });
  const dPeep = peep && g.concat([sums(0, old), sums(1, cells), sums(2, old)], { axis: 0 });
  return { input: all, state: all, dh0: dh, dc0: dc, ...(dPeep && { dPeep }) };

  /** Input and forget gates and cells, (T, B, H) each; with peepholes the gates wait for the cells. */
  function gatesOf(): { i: Value; forget: Value; cells: Value } {
    const made: Value[] = [];
    let c = d.c0;
    if (pi && pf) {
      const [is, fs, news] = [range(sum, 2, 0, 1), range(sum, 2, 2, 3), fresh].map((v) => eachStep(g, v)) as [Value[], Value[], Value[]];
      for (let t = 0; t < d.steps; t++) {
        const [i, forget] = [g.add(is[t]!, g.mul(pi, c)), g.add(fs[t]!, g.mul(pf, c))].map((v) => activate(g, f[0]!, v)) as [Value, Value];
        [is[t], fs[t]] = [i, forget];
        made[t] = c = g.add(g.mul(forget, c), g.mul(i, news[t]!));
      }
      const [i, forget, cells] = [is, fs, made].map((v) => unstack(g, stack(g, v), sum)) as [Value, Value, Value];
      return { i, forget, cells };
    }
    const i = activate(g, f[0]!, range(sum, 2, 0, 1));
    const forget = activate(g, f[0]!, range(sum, 2, 2, 3));
    const [fs, added] = [eachStep(g, forget), eachStep(g, g.mul(i, fresh))];
    for (let t = 0; t < d.steps; t++) made[t] = c = g.add(g.mul(fs[t]!, c), added[t]!);
    return { i, forget, cells: unstack(g, stack(g, made), sum) };
  }
}

/** (T, B, 1): 1 for the steps below each length. */
export function running(g: Builder, lengths: Value, steps: number, dtype: Value["dtype"]): Value {
  const time = g.constant(fromNumbers(lengths.dtype, [steps, 1, 1], [...Array(steps).keys()]));
  return g.cast(g.less(time, g.reshape(lengths, [1, -1, 1])), dtype);
}
