/**
 * ONNX Runtime reports to its maker from native code, past all that offline.ts shuts: from 1.29 on Linux and macOS by an uploader of its own, which keeps
 * an identifier and a queue in the user's folder as well. This is its full refusal, read when it first starts (microsoft/onnxruntime#27379).
 */
export function refuseTelemetry(env: NodeJS.ProcessEnv = process.env): void {
  env["ORT_DISABLE_TELEMETRY"] = "1";
}
