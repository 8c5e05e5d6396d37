// Devices and memory.

export interface Device {
  /** What `--device` takes: "cpu", "webgpu", … */
  id: string;
  kind: "cpu" | "webgpu" | "dml" | "coreml" | "cuda" | "tensorflow";
  name: string;
  memoryBytes: number | null;
  usedBytes: number | null;
  works: boolean;
  /** Why it does not work, or what it is (a software adapter, say); a sentence in English. */
  why: string;
}

/** Memory now, in bytes. The worker's own resident set, and its device's memory in use by all. */
export interface MemoryReading {
  workerBytes: number;
  deviceKind: "ram" | "vram";
  deviceUsedBytes: number;
  deviceTotalBytes: number;
}
