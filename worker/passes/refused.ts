// ONNX's operators that are read nowhere, each with the reason in words. Names of other domains carry the domain.

const tables = "it decides by tables, which have no gradient";
const maps = "it works on maps, which are no tensors";
const quantized = "it computes with whole numbers alone";
const found = "it takes values from places that its input names";
const spectra = "spectra are not supported";

export const refused: Readonly<Record<string, string>> = {
  CenterCropPad: "how it crops depends on the input's shape; Slice and Pad do the same",
  ConvInteger: quantized,
  DeformConv: found,
  ImageDecoder: "pictures in files are not decoded",
  MaxRoiPool: found,
  MaxUnpool: found,
  MelWeightMatrix: spectra,
  NonMaxSuppression: "which boxes it keeps is known only when the graph runs",
  QLinearConv: quantized,
  QLinearMatMul: quantized,
  RoiAlign: found,
  STFT: spectra,
  StringNormalizer: "text is not supported",
  TfIdfVectorizer: "text is not supported",
  BlackmanWindow: spectra,
  HammingWindow: spectra,
  HannWindow: spectra,
  "ai.onnx.ml.CastMap": maps,
  "ai.onnx.ml.CategoryMapper": tables,
  "ai.onnx.ml.DictVectorizer": maps,
  "ai.onnx.ml.SVMClassifier": "it is a support vector machine, not a network",
  "ai.onnx.ml.SVMRegressor": "it is a support vector machine, not a network",
  "ai.onnx.ml.TreeEnsemble": tables,
  "ai.onnx.ml.TreeEnsembleClassifier": tables,
  "ai.onnx.ml.TreeEnsembleRegressor": tables,
};
