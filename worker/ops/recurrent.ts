// RNN, GRU and LSTM over whole sequences. Forwards they stay one operator; the way back is in recurrentBack.ts.
// X (T, B, I), W (D, G·H, I), R (D, G·H, H), bias (D, 2·G·H), lengths (B), states (D, B, H), peepholes (D, 3·H); Y (T, D, B, H), last states (D, B, H).
// Handled: both directions, sequence lengths, initial states, peepholes, linear_before_reset, Sigmoid, Tanh and Relu. Refused: clip,
// input_forget, layout 1, other activations, a symbolic sequence length.
import type { Attributes, ValueInfo } from "../onnx/graph.ts";
import type { Builder, Plain, Value } from "./builder.ts";
import { type Attrs, type Call, type Op, op, type Rule, type Typed } from "./op.ts";
import { type Back, backGru, backLstm, backRnn, before, type Direction, rows, running, weights } from "./recurrentBack.ts";
import { ids, normal, type SampleSpec } from "./samples.ts";
import { like, mismatch, sameType, unify } from "./shapes.ts";

interface Kind {
  gates: number;
  activations: readonly string[];
  back: (g: Builder, d: Direction) => Back;
}

const directionsOf = (attrs: Attrs): number => (attrs.string("direction", "forward") === "bidirectional" ? 2 : 1);

function types([x, w, r]: readonly ValueInfo[], { attrs, outputs }: Call, gates: number): Typed[] {
  sameType(x!, w!, r!);
  if (x!.dims.length !== 3 || w!.dims.length !== 3 || r!.dims.length !== 3) throw mismatch("its sequence and its weights need 3 axes.");
  if (attrs.int("layout", 0)) throw mismatch("the runtime does not know layout 1.", "Transpose the sequence to (time, batch, inputs).");
  const [steps, batch, inputs] = x!.dims as [ValueInfo["dims"][number], ValueInfo["dims"][number], ValueInfo["dims"][number]];
  const units = r!.dims[2]!;
  const count = directionsOf(attrs);
  unify(w!.dims[2]!, inputs, [x!.dims, w!.dims]);
  if (typeof units !== "number") throw mismatch("the number of its units must be known.");
  for (const v of [w!, r!]) {
    unify(v.dims[0]!, count, [v.dims]);
    unify(v.dims[1]!, gates * units, [v.dims]);
  }
  const state = like(x!, [count, batch, units]);
  return [like(x!, [steps, count, batch, units]), state, state].slice(0, outputs);
}

function activationsOf(attrs: Attrs, usual: readonly string[], direction: number): string[] {
  const given = attrs.all["activations"];
  const all = given?.type === "strings" ? given.value.slice(direction * usual.length, (direction + 1) * usual.length) : usual;
  const other = all.find((f) => !["Sigmoid", "Tanh", "Relu"].includes(f));
  if (other ?? all.length !== usual.length)
    throw mismatch(`the gradient is known for the activations Sigmoid, Tanh and Relu, not ${other ?? "none"}.`);
  return [...all];
}

const rule =
  ({ gates, activations, back }: Kind): Rule =>
  (g, view) => {
    const { type, attrs, has, wants, flows, x: inputs } = view;
    const [x, w, r] = inputs;
    const steps = x.dims[0]!;
    const units = r.dims[2] as number;
    const refuse = (what: string) => mismatch(`its gradient is not known ${what}.`);
    if (typeof steps === "string") throw refuse(`for the symbolic sequence length ${steps}: give it as a number`);
    if (attrs.has("clip")) throw refuse("with clip");
    if (attrs.int("input_forget", 0)) throw refuse("with input_forget");
    const given = (i: number): Value | undefined => (has(i) ? inputs[i] : undefined);
    const names = inputs.map((v) => (v as Value | undefined)?.name ?? "");
    const y = (view.y[0] as Value | undefined) ?? g.node({ type, domain: "", inputs: names, attrs: saidOtherwise(attrs.all) }, 1)[0]!;
    const runs = has(4) ? running(g, inputs[4], steps, x.dtype) : undefined;
    const way = attrs.string("direction", "forward");

    const found = Array.from({ length: directionsOf(attrs) }, (_, i) => {
      const backwards = way === "reverse" || i === 1;
      /** This direction's slice of an input or output. */
      const own = (v: Value, axis = 0): Value => g.squeeze(g.slice(v, { starts: [i], ends: [i + 1], axes: [axis] }), [axis]);
      const turn = (v: Value): Value =>
        !backwards ? v : has(4) ? g.op("ReverseSequence", [v, g.cast(inputs[4], "int64")]) : reversed(g, v);
      const ownY = turn(own(y, 1));
      const empty = () => g.zerosLike(g.squeeze(g.slice(ownY, { starts: [0], ends: [1], axes: [0] }), [0]));
      const state = (v: Value | undefined): Value => (v ? own(v) : empty());
      const bias = given(3);
      const half = (b: Value, part: number) =>
        g.slice(own(b), { starts: [part * gates * units], ends: [(part + 1) * gates * units], axes: [0] });
      const d: Direction = {
        steps,
        units,
        f: activationsOf(attrs, activations, i),
        linear: attrs.int("linear_before_reset", 0) !== 0,
        x: turn(x),
        w: own(w),
        r: own(r),
        bias: bias && [half(bias, 0), half(bias, 1)],
        h0: state(given(5)),
        c0: state(given(6)),
        peep: has(7) ? own(inputs[7]!) : undefined,
        runs,
        y: ownY,
        dy: flows(0) ? turn(own(view.dy[0], 1)) : g.zerosLike(ownY),
        dLast: state(flows(1) ? view.dy[1] : undefined),
        dLastCell: state(flows(2) ? view.dy[2] : undefined),
      };
      const { input, state: gate, dr, dh0, dc0, dPeep } = back(g, d);
      const sum = (v: Value) => g.matmul(g.ones(v, 0), v);
      const dx = wants(0) ? turn(g.assume(g.reshape(g.matmul(input, d.w), [steps, -1, x.dims[2]!]), x.dims)) : undefined;
      return [
        dx,
        wants(1) ? weights(g, input, rows(g, d.x)) : undefined,
        wants(2) ? (dr ?? weights(g, gate, rows(g, before(g, d.h0, ownY)))) : undefined,
        wants(3) ? g.concat([sum(input), sum(gate)], { axis: 0 }) : undefined,
        undefined,
        dh0,
        dc0,
        dPeep,
      ];
    });
    return inputs.map((_, i): Value | null => {
      const parts = found.flatMap((f) => f[i] ?? []);
      if (!parts.length) return null;
      if (i === 0) return parts.reduce((a, b) => g.add(a, b));
      return g.concat(
        parts.map((p) => g.unsqueeze(p, [0])),
        { axis: 0 },
      );
    });
  };

/**
 * The same attributes in other words: the runtime merges equal nodes, and fails where one of them lacks an output that the other has
 * (1.30: "Argument type mismatch when adding edge").
 */
function saidOtherwise({ layout, ...rest }: Attributes): Attributes {
  return layout ? rest : { ...rest, layout: { type: "int", value: 0 } };
}

const reversed = (g: Builder, x: Value): Value => g.slice(x, { starts: [-1], ends: [-Infinity], axes: [0], steps: [-1] });

/** Samples of a kind: T 3, B 2, I 2, H 2. */
function samples(gates: number, outputs: number, more: SampleSpec[] = []): SampleSpec[] {
  const sized = (d: number) => [normal(3, 2, 2), normal(d, gates * 2, 2), normal(d, gates * 2, 2), normal(d, 2 * gates * 2)];
  const states = (d: number) => Array.from({ length: outputs - 1 }, () => normal(d, 2, 2));
  return [
    { inputs: sized(1), attrs: { hidden_size: 2 }, outputs, float32: true },
    {
      inputs: [...sized(2), ids([3, 2], [2], "int32"), ...states(2)],
      attrs: { hidden_size: 2, direction: "bidirectional" },
      outputs,
      float32: true,
    },
    { inputs: sized(1).slice(0, 3), attrs: { hidden_size: 2, direction: "reverse" }, outputs: 1, float32: true },
    ...more.map((s) => ({ ...s, inputs: s.inputs.length ? s.inputs : sized(1), outputs, float32: true })),
  ];
}

const recurrent = (
  kind: Kind,
  inputs: number,
  outputs: number,
  more: { attrs: Record<string, Plain>; inputs?: SampleSpec["inputs"] }[],
): Op =>
  op({
    arity: [3, inputs],
    infer: (x, call) => types(x, call, kind.gates),
    grad: rule(kind),
    samples: samples(kind.gates, outputs, more.map((m) => ({ inputs: [], ...m }))), // prettier-ignore
  });

export const recurrents = {
  RNN: recurrent({ gates: 1, activations: ["Tanh"], back: backRnn }, 6, 2, [{ attrs: { hidden_size: 2, activations: ["Sigmoid"] } }]),
  GRU: recurrent({ gates: 3, activations: ["Sigmoid", "Tanh"], back: backGru }, 6, 2, [
    { attrs: { hidden_size: 2, linear_before_reset: 1 } },
  ]),
  LSTM: recurrent({ gates: 4, activations: ["Sigmoid", "Tanh", "Tanh"], back: backLstm }, 8, 3, [
    {
      attrs: { hidden_size: 2 },
      inputs: [normal(3, 2, 2), normal(1, 8, 2), normal(1, 8, 2), normal(1, 16), undefined, normal(1, 2, 2), normal(1, 2, 2), normal(1, 6)],
    },
  ]),
} satisfies Record<string, Op>;
