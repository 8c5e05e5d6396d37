// The devices of this system and whether they work. A provider that fails can spoil its process for others, so main asks for each in a
// worker of its own; here one is tried by running a tiny graph on it.
import { cpus, freemem, totalmem } from "node:os";
import { AppError } from "../../ipc/error.ts";
import type { Device } from "../../ipc/types.ts";
import { Builder } from "../ops/builder.ts";
import { float32 } from "../tensor.ts";
import type { Engine } from "./engine.ts";
import { OrtEngine } from "./onnxruntime.ts";
import { hasTensorFlow, loadTensorFlow, TfEngine } from "./tensorflow.ts";

type Kind = Device["kind"];

const names: Record<Kind, string> = {
  cpu: "Processor",
  webgpu: "Graphics through WebGPU",
  dml: "Graphics through DirectML",
  coreml: "Apple's Neural Engine and graphics through Core ML",
  cuda: "NVIDIA graphics through CUDA",
  tensorflow: "TensorFlow",
};

/** What `--device` takes on this system. */
export const deviceIds: string[] = kindsHere();

function kindsHere(): Kind[] {
  const byPlatform: Partial<Record<NodeJS.Platform, Kind[]>> = { win32: ["dml", "cuda"], darwin: ["coreml"], linux: ["cuda"] };
  return ["cpu", "webgpu", ...(byPlatform[process.platform] ?? []), ...(hasTensorFlow() ? (["tensorflow"] as const) : [])];
}

const tried = new Map<string, Promise<Device>>();

/** Tries a device once in this process. Throws `deviceUnknown` for an id that is not one of `deviceIds`. */
export function probeDevice(id: string): Promise<Device> {
  if (!deviceIds.includes(id)) {
    const hint = id === "tensorflow" ? "Bring it with npm run setup:tensorflow, or name" : "Name";
    throw new AppError("deviceUnknown", `There is no device '${id}' on this system.`, `${hint} one of: ${deviceIds.join(", ")}.`, {
      device: id,
      known: deviceIds,
    });
  }
  const probe = tried.get(id) ?? attempt(id as Kind);
  tried.set(id, probe);
  return probe;
}

async function attempt(kind: Kind): Promise<Device> {
  const device: Device = { id: kind, kind, name: names[kind], memoryBytes: null, usedBytes: null, works: false, why: "" };
  if (kind === "cpu") {
    const all = cpus();
    const name = all[0]?.model.trim() || names.cpu;
    return {
      ...device,
      name,
      memoryBytes: totalmem(),
      usedBytes: totalmem() - freemem(),
      works: true,
      why: `${all.length} logical processors`,
    };
  }
  let found = "";
  try {
    if (kind === "tensorflow") {
      const tf = await loadTensorFlow();
      await trial(new TfEngine(tf));
      found = `TensorFlow.js ${tf.version?.tfjs ?? ""} with the backend '${tf.getBackend()}' gave the right answer to a small graph.`;
    } else await trial(new OrtEngine(kind, { threads: 1 }));
  } catch (thrown) {
    return { ...device, why: reason(thrown) };
  }
  const software =
    kind === "webgpu" &&
    /swiftshader|lvp|llvmpipe/i.test(`${process.env["VK_ICD_FILENAMES"] ?? ""}${process.env["VK_DRIVER_FILES"] ?? ""}`);
  return {
    ...device,
    works: true,
    why:
      found || (software ? "A software adapter: right, but slower than the processor." : "It ran a small graph and gave the right answer."),
  };
}

/** Runs y = 2x on the device and checks the answer. The engine is disposed. */
async function trial(engine: Engine): Promise<void> {
  const g = new Builder("probe");
  g.output(g.mul(g.input("x", "float32", [4]), 2), "y");
  try {
    const session = await engine.load(g.graph);
    const { y } = await session.run({ x: float32([4], [1, 2, 3, 4]) });
    if (String(y?.data) !== "2,4,6,8") throw new Error(`it computed 2 · (1, 2, 3, 4) as (${String(y?.data)})`);
  } finally {
    await engine.dispose();
  }
}

/** Reasons that the runtime gives in words of its own source, and what they mean. */
const meanings: [RegExp, string][] = [
  [/WebGPU adapter|No supported adapters/, "No graphics adapter that WebGPU can use was found on this machine."],
  [/Cannot find module '.*tfjs_binding/, "Its library is missing: run npm run setup:tensorflow again where its download is allowed."],
  [/Failed to load shared library|LoadLibrary failed/, "The library that it needs is not installed."],
];

/** The runtime's reason in one line, without the place in its source. */
function reason(thrown: unknown): string {
  const cause = thrown instanceof AppError && thrown.cause instanceof Error ? thrown.cause : thrown;
  const text = cause instanceof Error ? cause.message : String(cause);
  const meaning = meanings.find(([said]) => said.test(text))?.[1];
  if (meaning) return meaning;
  const line = text
    .replace(/^(\S+\.(cc|h|cpp):\d+\s+)?/, "")
    .split("\n")[0]!
    .trim();
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}
