// Operators of ai.onnx.ml around networks, as skl2onnx writes them, in ONNX's own. Handled: what scales, picks, fills in and joins columns,
// linear models, and ZipMap, whose table of probabilities is handed on as it is. Refused: forms with other numbers of rows than classes.
import { AppError } from "../../ipc/error.ts";
import type { Node } from "../onnx/graph.ts";
import type { Builder, Value } from "../ops/builder.ts";
import { Attrs } from "../ops/op.ts";
import { requireInputs } from "../ops/shapes.ts";
import { float32, int64, strings } from "../tensor.ts";
import type { Inputs } from "./unroll.ts";

type Lowering = (g: Builder, x: readonly Value[], attrs: Attrs) => Value[];

const lowerings: Record<string, Lowering> = {
  /** Columns by their numbers; a vector counts as one row. */
  ArrayFeatureExtractor(g, [x, places]) {
    const picked = g.gather(x!, g.reshape(places!, [-1]), { axis: Math.max(0, x!.dims.length - 1) });
    return [x!.dims.length === 1 ? g.unsqueeze(picked, [0]) : picked];
  },
  Binarizer: (g, [x], attrs) => [g.cast(g.greater(x!, attrs.float("threshold", 0)), x!.dtype)],
  FeatureVectorizer: (g, x) => [g.concat(x.map((v) => g.cast(v, "float32")), { axis: 1 })], // prettier-ignore
  Imputer(g, [x], attrs) {
    const whole = x!.dtype === "int64";
    const filler = whole ? g.list(attrs.ints("imputed_value_int64s")) : row(g, numbers(attrs, "imputed_value_floats"));
    const gone = whole ? attrs.int("replaced_value_int64", 0) : attrs.float("replaced_value_float", 0);
    return [g.where(Number.isNaN(gone) ? g.isNaN(x!) : g.equal(x!, gone), filler, x!)];
  },
  LinearRegressor(g, [x], attrs) {
    const [, columns] = x!.dims;
    const targets = attrs.int("targets", 1);
    return [after(g, linear(g, x!, attrs, targets, columns), attrs)];
  },
  /** The likeliest class of each row, and a score for each. */
  LinearClassifier(g, [x], attrs) {
    const names = attrs.all["classlabels_strings"];
    const labels =
      names?.type === "strings" && names.value.length
        ? g.constant(strings([names.value.length], [...names.value]))
        : g.constant(int64([attrs.ints("classlabels_ints").length], attrs.ints("classlabels_ints")));
    const scores = linear(g, x!, attrs, Number(labels.dims[0]), x!.dims[1]);
    return [g.gather(labels, g.op("ArgMax", [scores], { axis: 1, keepdims: 0 })), after(g, scores, attrs)];
  },
  /** Rows divided by their largest number, their sum or their length; rows of length 0 stay. */
  Normalizer(g, [given], attrs) {
    const x = g.cast(given!, "float32");
    const axes = [x.dims.length - 1];
    const kind = attrs.string("norm", "MAX");
    const size = kind === "MAX" ? g.reduceMax(x, { axes }) : kind === "L1" ? g.reduceSum(g.abs(x), { axes }) : g.sqrt(g.reduceSum(g.square(x), { axes })); // prettier-ignore
    return [g.div(x, g.where(g.equal(size, 0), 1, size))];
  },
  /** 1 in the place of the class, along a new last axis. */
  OneHotEncoder(g, [x], attrs) {
    const names = attrs.all["cats_strings"];
    const classes = names?.type === "strings" && names.value.length
      ? g.constant(strings([names.value.length], [...names.value]))
      : g.cast(g.list(attrs.ints("cats_int64s")), x!.dtype); // prettier-ignore
    return [g.cast(g.equal(g.unsqueeze(x!, [x!.dims.length]), classes), "float32")];
  },
  Scaler(g, [x], attrs) {
    const [offset, scale] = [numbers(attrs, "offset"), numbers(attrs, "scale")];
    return [g.mul(g.sub(g.cast(x!, "float32"), row(g, offset)), row(g, scale))];
  },
  ZipMap: (_, [x]) => [x!],
};

export const classicTypes: readonly string[] = Object.keys(lowerings).map((type) => `ai.onnx.ml.${type}`);

/** Values for a node of ai.onnx.ml; undefined for other nodes and those that the table of operators has. Throws `modelInvalid` for odd forms. */
export function classic(g: Builder, node: Node, x: Inputs): readonly Value[] | undefined {
  if (node.domain !== "ai.onnx.ml" || !Object.hasOwn(lowerings, node.type)) return undefined;
  requireInputs(x, node.type === "ArrayFeatureExtractor" ? 2 : Math.max(1, x.length));
  return lowerings[node.type]!(g, x as readonly Value[], new Attrs(node.type, node.attrs)); // counted above
}

const row = (g: Builder, values: readonly number[]): Value => g.constant(float32([values.length], values));

function numbers(attrs: Attrs, name: string): readonly number[] {
  const attr = attrs.all[name];
  if (attr?.type === "floats") return attr.value;
  throw odd(`${attrs.type} needs the attribute '${name}', a list of floats`);
}

/** x · Wᵀ + b with W (rows, columns) and b (rows) from the attributes. */
function linear(g: Builder, x: Value, attrs: Attrs, rows: number, columns: Value["dims"][number] | undefined): Value {
  const weights = numbers(attrs, "coefficients");
  const width = weights.length / rows;
  if (x.dims.length !== 2 || !Number.isInteger(width) || (typeof columns === "number" && columns !== width))
    throw odd(`${weights.length} coefficients do not fit ${rows} results of [${x.dims.join(", ")}]`);
  const out = g.matmul(g.cast(x, "float32"), g.transpose(g.constant(float32([rows, width], weights)), [1, 0]));
  return attrs.has("intercepts") ? g.add(out, row(g, numbers(attrs, "intercepts"))) : out;
}

function after(g: Builder, scores: Value, attrs: Attrs): Value {
  const kind = attrs.string("post_transform", "NONE");
  if (kind === "NONE") return scores;
  if (kind === "LOGISTIC") return g.sigmoid(scores);
  if (kind === "SOFTMAX") return g.softmax(scores);
  throw odd(`its scores go through ${kind}`);
}

const odd = (what: string): AppError => new AppError("modelInvalid", `${what}.`, "Export the model in another form, or the network alone.");
