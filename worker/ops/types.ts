// Which element types each input of ONNX's own operators takes, as the schemas of our operator set have it (https://onnx.ai/onnx/operators/).
// A line is an operator and its inputs: a letter for types that must be one, and the kind; * any number of such inputs, ~ of types each its own.
import type { ValueInfo } from "../onnx/graph.ts";
import type { DType } from "../tensor.ts";
import { mismatch } from "./shapes.ts";

const kinds: Record<string, string> = {
  float: "float32 float64 float16",
  number: "float32 float64 float16 int8 uint8 int16 uint16 int32 uint32 int64 uint64",
  plain: "float32 float64 float16 int8 uint8 int16 uint16 int32 uint32 int64 uint64 bool string",
  any: "float32 float64 float16 int8 uint8 int16 uint16 int32 uint32 int64 uint64 bool uint4 string",
  wide: "float32 float64 float16 int32 uint32 int64 uint64",
  index: "int32 int64",
  whole: "int8 uint8 int16 uint16 int32 uint32 int64 uint64",
  byte: "int8 uint8",
  unsigned: "uint8 uint16 uint32 uint64",
};

const lines = `
Abs T:number
Acos T:float
Acosh T:float
Add T:number T:number
AffineGrid T1:float T2:int64
And T:bool T:bool
ArgMax T:number
ArgMin T:number
Asin T:float
Asinh T:float
Atan T:float
Atanh T:float
AveragePool T:float
BatchNormalization T:float T1:float T1:float T2:float T2:float
Bernoulli T1:float
BitShift T:unsigned T:unsigned
BitwiseAnd T:whole T:whole
BitwiseNot T:whole
BitwiseOr T:whole T:whole
BitwiseXor T:whole T:whole
Cast T1:any
Ceil T:float
Celu T:float32
Clip T:number T:number T:number
Compress T:plain T1:bool
Concat T:plain*
ConstantOfShape T1:int64
Conv T:float T:float T:float
ConvTranspose T:float T:float T:float
Cos T:float
Cosh T:float
CumSum T:wide T2:index
DepthToSpace T:plain
DequantizeLinear T1:int8|uint8|int16|uint16|int32|uint4 T2:float32|float16 T1:int8|uint8|int16|uint16|int32|uint4
Det T:float
Div T:number T:number
Dropout T:float T1:float T2:bool
DynamicQuantizeLinear T1:float32
Einsum T:number*
Elu T:float
Equal T:plain T:plain
Erf T:float
Exp T:float
Expand T:plain :int64
EyeLike T1:float32|float64|float16|int8|uint8|int16|uint16|int32|uint32|int64|uint64|bool
Floor T:float
GRU T:float T:float T:float T:float T1:int32 T:float
Gather T:plain Tind:index
GatherElements T:plain Tind:index
GatherND T:plain :int64
Gelu T:float
Gemm T:wide T:wide T:wide
GlobalAveragePool T:float
GlobalLpPool T:float
GlobalMaxPool T:float
Greater T:number T:number
GreaterOrEqual T:number T:number
GridSample T1:plain T2:float
GroupNormalization T:float T:float T:float
HardSigmoid T:float
HardSwish T:float
Hardmax T:float
Identity V:any
InstanceNormalization T:float T:float T:float
IsInf T1:float
IsNaN T1:float
LRN T:float
LSTM T:float T:float T:float T:float T1:int32 T:float T:float T:float
LayerNormalization T:float T:float T:float
LeakyRelu T:float
Less T:number T:number
LessOrEqual T:number T:number
Log T:float
LogSoftmax T:float
LpNormalization T:float
LpPool T:float
MatMul T:wide T:wide
MatMulInteger T1:byte T2:byte T1:byte T2:byte
Max T:number*
MaxPool T:float32|float64|float16|int8|uint8
Mean T:float*
MeanVarianceNormalization T:float
Min T:number*
Mish T:float
Mod T:number T:number
Mul T:number T:number
Multinomial T1:float
Neg T:float32|float64|float16|int8|int16|int32|int64
NegativeLogLikelihoodLoss T:float Tind:index T:float
NonZero T:plain
Not T:bool
OneHot T1:number T2:number T3:plain
Or T:bool T:bool
PRelu T:wide T:wide
Pad T:any :int64 T:any Tind:index
Pow T:float32|float64|float16|int32|int64 T1:number
QuantizeLinear T1:float32|float16|int32 T1:float32|float16|int32 T2:int8|uint8|int16|uint16|uint4
RNN T:float T:float T:float T:float T1:int32 T:float
RandomNormalLike T1:plain
RandomUniformLike T1:plain
Range T:float32|float64|int16|int32|int64 T:float32|float64|int16|int32|int64 T:float32|float64|int16|int32|int64
Reciprocal T:float
ReduceL1 T:wide :int64
ReduceL2 T:wide :int64
ReduceLogSum T:wide :int64
ReduceLogSumExp T:wide :int64
ReduceMax T:float32|float64|float16|int8|uint8|int32|uint32|int64|uint64|bool :int64
ReduceMean T:wide :int64
ReduceMin T:float32|float64|float16|int8|uint8|int32|uint32|int64|uint64|bool :int64
ReduceProd T:wide :int64
ReduceSum T:wide :int64
ReduceSumSquare T:wide :int64
RegexFullMatch T1:string
Relu T:float32|float64|float16|int8|int16|int32|int64
Reshape T:any :int64
Resize T1:plain T2:float :float32 :int64
ReverseSequence T:plain :int64
Round T:float
ScatterElements T:plain Tind:index T:plain
ScatterND T:plain :int64 T:plain
Selu T:float
Shape T:any
Shrink T:number
Sigmoid T:float
Sign T:number
Sin T:float
Sinh T:float
Size T:any
Slice T:plain Tind:index Tind:index Tind:index Tind:index
Softmax T:float
SoftmaxCrossEntropyLoss T:float Tind:index T:float
Softplus T:float
Softsign T:float
SpaceToDepth T:plain
Split T:plain :int64
Sqrt T:float
Squeeze T:any :int64
StringConcat T:string T:string
StringSplit T1:string
Sub T:number T:number
Sum T:float*
Tan T:float
Tanh T:float
ThresholdedRelu T:float
Tile T:plain T1:int64
TopK T:number :int64
Transpose T:any
Trilu T:plain :int64
Unique T:plain
Unsqueeze T:any :int64
Where B:bool T:plain T:plain
Xor T:bool T:bool
`;

interface Slot {
  letter: string;
  types: ReadonlySet<DType>;
  repeats: "*" | "~" | "";
}

const table = new Map(
  lines
    .trim()
    .split("\n")
    .map((line): [string, Slot[]] => {
      const [type, ...inputs] = line.split(" ") as [string, ...string[]];
      return [type, inputs.map(slotOf)];
    }),
);

function slotOf(text: string): Slot {
  const [, letter, kind, repeats] = /^(\w*):([\w|]+)([*~]?)$/.exec(text) as unknown as [string, string, string, Slot["repeats"]];
  return { letter, types: new Set((kinds[kind] ?? kind).split(/[ |]/) as DType[]), repeats };
}

/** Throws `shapeMismatch` for an input of a type that the operator does not take, and for two that must be of one type and are not. */
export function requireTypes(type: string, inputs: readonly (ValueInfo | undefined)[]): void {
  const slots = table.get(type);
  if (!slots) return;
  const bound = new Map<string, DType>();
  for (const [i, x] of inputs.entries()) {
    const slot = slots[Math.min(i, slots.length - 1)];
    if (!x || !slot || (i >= slots.length && !slot.repeats)) continue;
    if (!slot.types.has(x.dtype))
      throw mismatch(`its input ${i} cannot be ${x.dtype}; it takes ${[...slot.types].join(", ")}.`, "Check how the graph was made.");
    const before = bound.get(slot.letter);
    if (before !== undefined && before !== x.dtype && slot.letter && slot.repeats !== "~")
      throw mismatch(`its inputs must have one type, not ${before} and ${x.dtype}.`, "Cast one of them.");
    bound.set(slot.letter, x.dtype);
  }
}
