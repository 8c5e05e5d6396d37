import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { findModels, foundModel } from "./foundModels.ts";

const home = mkdtempSync(join(tmpdir(), "paddock-home-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

function put(path: string, text = "x"): string {
  const whole = join(home, path);
  mkdirSync(dirname(whole), { recursive: true });
  writeFileSync(whole, text);
  return whole;
}

test("finds what other programs keep, by their own names, and nothing else", async () => {
  const digest = "ab".repeat(32);
  put(".lmstudio/models/me/Small-GGUF/small-Q4_0.gguf");
  put(".lmstudio/models/me/Small-GGUF/mmproj-small.gguf");
  put(".lmstudio/models/me/Large-GGUF/large-00001-of-00002.gguf");
  put("jan/models/tiny/model.gguf");
  put(`.ollama/models/blobs/sha256-${digest}`, "GGUF");
  const layers = [
    { mediaType: "application/vnd.ollama.image.license", digest: `sha256:${"cd".repeat(32)}` },
    { mediaType: "application/vnd.ollama.image.model", digest: `sha256:${digest}` },
  ];
  put(".ollama/models/manifests/registry.ollama.ai/library/llama3/8b", JSON.stringify({ layers }));
  put(
    ".ollama/models/manifests/registry.ollama.ai/library/gone/1",
    JSON.stringify({ layers: [{ ...layers[1], digest: "sha256:../../x" }] }),
  );
  put(".ollama/models/manifests/registry.ollama.ai/library/odd/1", "no JSON");
  const blobs = ".cache/huggingface/hub/models--own--net/blobs";
  put(`${blobs}/1`, "{}");
  put(`${blobs}/2`, "weights");
  const snapshot = join(home, ".cache/huggingface/hub/models--own--net/snapshots/abc");
  mkdirSync(snapshot, { recursive: true });
  symlinkSync("../../blobs/1", join(snapshot, "config.json"));
  symlinkSync("../../blobs/2", join(snapshot, "model.safetensors"));

  const machine = { home, env: {}, platform: "linux" } as const;
  const found = await findModels(machine);
  expect(found.map(({ app, name, bytes, format }) => [app, name, format, bytes])).toEqual([
    ["Hugging Face", "own/net", "huggingface", 7],
    ["Jan", "tiny", "gguf", 1],
    ["LM Studio", "small-Q4_0", "gguf", 1],
    ["Ollama", "llama3:8b", "gguf", 4],
  ]);
  expect((await foundModel(found[1]!.id, machine))?.name).toBe("tiny");
  expect(await foundModel("found-none", machine)).toBeUndefined();
  expect(await findModels({ ...machine, home: join(home, "nowhere") })).toEqual([]);
});
