/** The name of a kind of device as its makers write it; an unknown id stays as it is. */
export function deviceName(id: string): string {
  const names: Record<string, string> = {
    cpu: "CPU",
    webgpu: "WebGPU",
    dml: "DirectML",
    coreml: "Core ML",
    cuda: "CUDA",
    tensorflow: "TensorFlow",
  };
  return names[id] ?? id;
}
