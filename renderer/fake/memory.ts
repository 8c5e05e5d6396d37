// A memory plan, made up: six billion parameters by plain multiplication, on a processor with room and a device without.
import { AppError } from "../../ipc/error.ts";
import type { MemoryQuestion } from "../../ipc/host.ts";
import type { MemoryPlan } from "../../ipc/types.ts";

export function memoryPlan(question: MemoryQuestion, tried = false): MemoryPlan {
  const { size = "6B", model, method = "inference", bits = 32, batch = 1, context = 2048 } = question;
  if (/^-/.test(size)) throw new AppError("usage", `'${size}' is no size of a model.`, "Name 350M or 6B, say.", { size });
  const parameters = model ? 260_000 : 6e9;
  const trainable = method === "inference" ? 0 : method === "full" ? parameters : 20e6;
  const bytes = {
    weights: (parameters * bits) / 8,
    gradients: 4 * trainable,
    optimizer: 8 * trainable,
    activations: 80e6,
    cache: 500e6,
    runtime: 190e6,
  };
  const total = Object.values(bytes).reduce((sum, one) => sum + one, 0);
  const settings = { method, bits, batch, context };
  const less = {
    settings: { ...settings, bits: 4 as const },
    bytes: { ...bytes, weights: bytes.weights / 8 },
    total: total - 0.875 * bytes.weights,
  };
  const room = 16e9;
  const told = { memoryBytes: room, freeBytes: room };
  return {
    name: model ?? size,
    kind: model ? "language" : "size",
    parameters,
    trainable,
    shape: { layers: 32, width: 4096, heads: 32, kvHeads: 8, vocabulary: 32_000, assumed: !model },
    settings,
    bytes,
    total,
    uncorrected: total,
    learnedFrom: tried ? 1 : 0,
    ...(tried ? { measured: { bytes: Math.round(total * 1.04), at: Date.UTC(2026, 0, 2) } } : {}),
    fits: [
      total < room
        ? { device: "cpu", name: "Processor", ...told, fits: true, by: "free", why: "It fits." }
        : { device: "cpu", name: "Processor", ...told, fits: false, by: "free", why: "It fits with --bits 4.", with: less },
      { device: "cuda", name: "cuda", memoryBytes: null, freeBytes: null, fits: false, by: "broken", why: "There is none." },
    ],
  };
}
