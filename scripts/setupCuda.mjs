// npm run setup:cuda: the CUDA libraries as an explicit act. For chatting, the ready CUDA builds of llama.cpp (some 540 MB), which the default install
// leaves out: they are packed by npm in the version that package-lock.json has, and unpacked where node-llama-cpp looks for them. For training, ONNX
// Runtime's own script fetches its CUDA provider. `npm ci` removes both again.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureInstalled, fail, npmCommand, root } from "./install.mjs";

if (process.arch !== "x64" || !["linux", "win32"].includes(process.platform))
  fail(`There are no CUDA builds for ${process.platform} on ${process.arch}. Paddock uses Vulkan, Metal or the processor there.`);
ensureInstalled();
const { extract } = await import("tar");

const { version } = JSON.parse(readFileSync(join(root, "node_modules/node-llama-cpp/package.json"), "utf8"));
const system = process.platform === "win32" ? "win" : "linux";
for (const name of [`${system}-x64-cuda`, `${system}-x64-cuda-ext`]) {
  const place = join(root, "node_modules/@node-llama-cpp", name);
  const scratch = mkdtempSync(join(tmpdir(), "paddock-cuda-"));
  try {
    console.log(`Fetching @node-llama-cpp/${name} ${version}. This can take minutes.`);
    const { program, args, shell } = npmCommand(["pack", `@node-llama-cpp/${name}@${version}`, "--pack-destination", scratch, "--silent"]);
    const packed = spawnSync(program, args, { cwd: scratch, stdio: ["ignore", "ignore", "inherit"], shell });
    const archive = readdirSync(scratch).find((file) => file.endsWith(".tgz"));
    if (packed.status !== 0 || !archive) fail("npm could not fetch it: see above. Paddock chats on Vulkan or the processor without it.");
    const draft = join(scratch, "package");
    mkdirSync(draft);
    await extract({ file: join(scratch, archive), cwd: draft, strip: 1 });
    const beside = `${place}.new`;
    rmSync(beside, { recursive: true, force: true });
    cpSync(draft, beside, { recursive: true }); // a rename would not go across disks
    rmSync(place, { recursive: true, force: true });
    renameSync(beside, place);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
console.log("llama.cpp for CUDA is in place.");

// The documented value `cuda12` is ignored in 1.30.0 and reports success; `true` is not.
const ort = join(root, "node_modules/onnxruntime-node");
const fetched = spawnSync(process.execPath, [join(ort, "script/install.js")], {
  cwd: ort,
  stdio: "inherit",
  env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: "true" },
});
const provider = join(ort, "bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so");
if (process.platform === "linux" && (fetched.status !== 0 || !existsSync(provider)))
  fail(
    "ONNX Runtime's CUDA provider was not fetched: its download is refused here. Chatting uses CUDA; training uses WebGPU or the processor.",
  );
console.log("Done. paddock devices tells whether CUDA works here.");
