// Whatever a file holds, it is read and differentiated or refused with exit code 3, in bounded time: real models with bits turned, bytes cut
// off, and parts of their structure exchanged. FUZZ=n makes n times as many.
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { AppError } from "../../ipc/error.ts";
import { mutations, type Pick } from "../../test/fuzz/onnxMutations.ts";
import { ModelProtoSchema } from "../onnx/gen/onnx_pb.ts";
import { encodeModel } from "../onnx/proto.ts";
import { gradientGraph } from "../train/gradientGraph.ts";
import { trainingStep } from "../train/step.ts";
import { openModel } from "./onnx.ts";

const models = fileURLToPath(new URL("../../test/references/models/", import.meta.url));
const whole = readdirSync(models)
  .filter((f) => f.endsWith(".onnx"))
  .map((f) => new Uint8Array(readFileSync(models + f)));
const folder = mkdtempSync(join(tmpdir(), "paddock-hostile-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const times = Number(process.env["FUZZ"] ?? 1);
/** Far more than any of these takes on a loaded machine. */
const longest = 20_000;

/** Reads the file and makes both graphs of it; says what came of it. Anything but a graph or an error of exit code 3 fails the test. */
function attempt(bytes: Uint8Array): string {
  const path = join(folder, "model.onnx");
  writeFileSync(path, bytes);
  const began = performance.now();
  const tried = (body: () => unknown): string => {
    try {
      body();
      return "made";
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown;
      expect(thrown.exitCode, `${thrown.code}: ${thrown.message}`).toBe(3);
      expect(thrown.message.length * thrown.hint.length).toBeGreaterThan(0);
      return thrown.code;
    }
  };
  const results = [
    tried(() => {
      const { graph, file } = openModel(path, { trained: "all" });
      encodeModel(gradientGraph(graph, { loss: "loss", wrt: file.parameters, gone: file.initializers }));
    }),
    tried(() =>
      encodeModel(trainingStep(openModel(path, { outputs: ["loss"] }).graph, { loss: "loss", optimizer: { name: "adam" } }).graph),
    ),
  ];
  expect(performance.now() - began).toBeLessThan(longest);
  return results.join();
}

const base = fc.integer({ min: 0, max: whole.length - 1 });
const settings = { numRuns: 150 * times, seed: 7, endOnFailure: true };

test("bits turned and bytes cut off", () => {
  const edit = fc.record({ at: fc.double({ min: 0, max: 0.999999, noNaN: true }), mask: fc.integer({ min: 1, max: 255 }) });
  fc.assert(
    fc.property(base, fc.array(edit, { maxLength: 6 }), fc.option(fc.double({ min: 0, max: 1, noNaN: true })), (which, edits, cut) => {
      const bytes = whole[which]!.slice(0, cut === null ? undefined : Math.floor(cut * whole[which]!.length));
      for (const { at, mask } of edits) if (bytes.length) bytes[Math.floor(at * bytes.length)]! ^= mask;
      attempt(bytes);
    }),
    settings,
  );
});

describe("structure exchanged", () => {
  test.each(Object.keys(mutations))("%s", (name) => {
    let seen = 0;
    fc.assert(
      fc.property(
        base,
        fc.array(fc.nat({ max: 9999 }), { minLength: 12, maxLength: 12 }),
        fc.option(fc.constantFrom(...Object.keys(mutations))),
        (which, choices, second) => {
          const model = fromBinary(ModelProtoSchema, whole[which]!);
          let at = 0;
          const pick: Pick = (from) => from[choices[at++ % choices.length]! % Math.max(1, from.length)];
          for (const each of [name, second]) if (each) mutations[each]!(model, model.graph!, pick);
          attempt(toBinary(ModelProtoSchema, model));
          seen++;
        },
      ),
      { ...settings, numRuns: 10 * times },
    );
    expect(seen).toBe(10 * times);
  });
});
