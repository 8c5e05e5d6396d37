// The fences of DESIGN.md section 3, with messages that say where to go instead. Tests are free to cross them.
const order = ["onnx", "ops", "passes", "formats", "data", "tasks", "models", "run", "train"];
const test = "\\.test\\.ts$";

/** A worker folder may import only folders above it in the list (and tensor.ts, ipc). */
const downhill = order.map((folder, i) => ({
  name: `worker-${folder}`,
  severity: "error",
  comment: `worker/${folder} may import only ${["tensor.ts", ...order.slice(0, i)].join(", ")} and ipc: move what you need up, or pass it in as an argument.`,
  from: { path: `^worker/${folder}/`, pathNot: test },
  to: { path: `^worker/(${[...order.slice(i + 1), "serve\\.ts", "main\\.ts", "lesson\\.ts"].join("|")})` },
}));

export default {
  forbidden: [
    {
      name: "no-cycles",
      severity: "error",
      comment: "An import cycle: pull what both need into a file of its own.",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "ipc-imports-nothing",
      severity: "error",
      comment: "ipc is the contract and imports nothing: put code in main, worker or renderer.",
      from: { path: "^ipc/", pathNot: test },
      to: { pathNot: "^ipc/" },
    },
    {
      name: "main-imports-ipc",
      severity: "error",
      comment: "main knows the worker and the screens only through ipc: add a call to ipc/worker.ts or ipc/host.ts.",
      from: { path: "^main/", pathNot: test },
      to: { path: "^(worker|renderer|test)/" },
    },
    {
      name: "main-loads-no-ml",
      severity: "error",
      comment: "main loads no ML library and no database, so that it stays responsive: ask a worker.",
      from: { path: "^main/" },
      to: { path: "node_modules/(onnxruntime|@duckdb|@tensorflow)" },
    },
    {
      name: "electron-only-at-its-door",
      severity: "error",
      comment: "Only the Electron door imports electron; the host knows no door.",
      from: { pathNot: "^main/(main|window|preload|menu|protocol|utilityWorker|electron)" },
      to: { path: "(^|node_modules/)electron($|/)" },
    },
    {
      name: "worker-imports-ipc",
      severity: "error",
      comment: "worker knows main and the screens only through ipc.",
      from: { path: "^worker/", pathNot: test },
      to: { path: "^(main|renderer|test)/" },
    },
    {
      name: "renderer-imports-ipc",
      severity: "error",
      comment: "renderer knows the host only through ipc: add a call to ipc/host.ts.",
      from: { path: "^renderer/", pathNot: test },
      to: { path: "^(main|worker|test)/" },
    },
    {
      name: "renderer-has-no-node",
      severity: "error",
      comment: "renderer runs in a sandbox without Node: ask the host.",
      from: { path: "^renderer/", pathNot: test },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "ui-knows-nothing-of-the-app",
      severity: "error",
      comment: "renderer/ui knows nothing of the app: what knows a concept belongs in parts, what composes in screens.",
      from: { path: "^renderer/ui/", pathNot: test },
      to: { path: "^renderer/(state|parts|screens|words|api)" },
    },
    {
      name: "parts-below-screens",
      severity: "error",
      comment: "A part knows one concept: composing is the screen's work.",
      from: { path: "^renderer/parts/", pathNot: test },
      to: { path: "^renderer/screens/" },
    },
    {
      name: "onnxruntime-in-one-folder",
      severity: "error",
      comment: "onnxruntime is imported in worker/run only: use openEngine.",
      from: { path: "^worker/", pathNot: ["^worker/run/", test] },
      to: { path: "node_modules/onnxruntime" },
    },
    {
      name: "duckdb-in-one-folder",
      severity: "error",
      comment: "DuckDB is imported in worker/data only: use openTable.",
      from: { path: "^worker/", pathNot: ["^worker/data/", test] },
      to: { path: "node_modules/@duckdb" },
    },
    ...downhill,
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(dist|release)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
      extensions: [".ts", ".svelte", ".js", ".mjs"],
    },
  },
};
