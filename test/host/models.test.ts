import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openHost, scratch, signal } from "./setUp.ts";

const modelsIn = (workspace: string) => (existsSync(join(workspace, "models")) ? readdirSync(join(workspace, "models")) : []);
function file(content: string, name = "net one.onnx"): string {
  const path = join(scratch(), name);
  writeFileSync(path, content);
  return path;
}

test("a model is copied into a folder of its own with its card; the same bytes are known again", async () => {
  const { host, told, workspace } = await openHost();
  const { importModel, models, model } = host.handlers;
  const { model: made, known } = await importModel({ source: { kind: "path", path: file("weights") } }, signal());
  expect(known).toBe(false);
  expect(made).toMatchObject({ name: "net one", format: "onnx", file: "net one.onnx", origin: "net one.onnx", profile: { family: "mlp" } });
  expect(made.id).toMatch(/^net-one-[a-z0-9]{6}$/);
  expect(modelsIn(workspace)).toEqual([made.id]);
  expect(readdirSync(join(workspace, "models", made.id)).sort()).toEqual(["model.json", "net one.onnx"]);
  expect(told).toContainEqual({ name: "modelsChanged", value: { ids: [made.id] } });
  expect(await model({ id: made.id }, signal())).toEqual(made);
  const again = await importModel({ source: { kind: "path", path: file("weights", "other.onnx") } }, signal());
  expect([again.known, again.model.id]).toEqual([true, made.id]);
  expect(await models(undefined, signal())).toEqual([made]);
});

test("what is refused leaves nothing behind, nor does what a crash left", async () => {
  const { host, workspace } = await openHost();
  await expect(host.handlers.importModel({ source: { kind: "path", path: file("broken") } }, signal())).rejects.toMatchObject({
    code: "modelInvalid",
  });
  expect(modelsIn(workspace)).toEqual([]);
  await host.dispose();
  mkdirSync(join(workspace, "models", ".half-abcdef.new", "model"), { recursive: true });
  const next = await openHost({ workspace });
  expect(modelsIn(workspace)).toEqual([]);
  expect(await next.host.handlers.models(undefined, signal())).toEqual([]);
});

test("can be renamed, removed and brought back", async () => {
  const { host, workspace } = await openHost();
  const { importModel, renameModel, removeModel, restoreModel, models, model } = host.handlers;
  const { id } = (await importModel({ source: { kind: "path", path: file("weights") } }, signal())).model;
  expect((await renameModel({ id, name: " Trunk " }, signal())).name).toBe("Trunk");
  await removeModel({ id }, signal());
  expect([modelsIn(workspace), await models(undefined, signal())]).toEqual([[], []]);
  await expect(model({ id }, signal())).rejects.toMatchObject({ code: "modelMissing" });
  expect((await restoreModel({ id }, signal())).name).toBe("Trunk");
  expect(modelsIn(workspace)).toEqual([id]);
  await expect(model({ id: "../etc" }, signal())).rejects.toMatchObject({ code: "usage" });
});

test("is run with what it is given; its pictures are handed out", async () => {
  const { host } = await openHost();
  const { id } = (await host.handlers.importModel({ source: { kind: "path", path: file("weights") } }, signal())).model;
  const ask = (feed: object) => host.handlers.runModel({ id, question: { feeds: { x: feed as { fill: "ones" } } } }, signal());
  const { answer, pictures } = await ask({ picture: { kind: "path", path: file("pixels", "p.png") } });
  expect(answer.outputs[0]!.values).toEqual(["net one.onnx", "pixels"]);
  expect(readFileSync(pictures[0]!.handout.path, "utf8")).toBe("drawn");
  expect((await ask({ fill: "ones" })).answer.outputs[0]!.values![1]).toBe('{"fill":"ones"}');
  await expect(ask({ picture: "/etc/passwd" })).rejects.toMatchObject({ code: "usage" });
});

test("pictures start from the model that suits, as long as nothing else is asked for", async () => {
  const { host } = await openHost();
  const set = join(scratch(), "set");
  mkdirSync(set);
  writeFileSync(join(set, "a.png"), "a");
  const { id } = await host.handlers.createProject({ source: { kind: "path", path: set } }, signal());
  const plan = (spec: object) => host.handlers.plan({ id, spec: { task: "images", ...spec } }, signal());
  expect((await plan({})).start).toBeUndefined();
  const { model } = await host.handlers.importModel({ source: { kind: "path", path: file("weights") } }, signal());
  expect((await plan({})).start).toEqual({ shelf: model.id, name: "net one", chosen: "suits" });
  const asked = await plan({ shelf: model.id, method: "full" });
  expect(asked.start).toMatchObject({ chosen: "asked" });
  expect(asked.model.name).toMatch(/^full.*models.net-one-[a-z0-9]{6}.net one\.onnx$/);
  expect((await plan({ shelf: "" })).start).toBeUndefined();
  const own = await plan({ model: "resnet", method: "full" });
  expect([own.start, own.model.name]).toEqual([undefined, "resnet"]);
  await expect(plan({ shelf: "gone-abcdef" })).rejects.toMatchObject({ code: "modelMissing" });
});
