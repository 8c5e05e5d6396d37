// A stand-in for the host's lesson, for tests and for screens without a host: the three optimizers by the book, in float32.
import type { LessonSpec, LessonState } from "../../../ipc/types.ts";
import type { LessonHost } from "../../state/lesson.svelte.ts";

const f = Math.fround;

export function fakeLesson(): LessonHost & { calls: string[] } {
  let spec: LessonSpec | undefined;
  let now: LessonState | undefined;
  let m = { a: 0, b: 0 };
  let v = { a: 0, b: 0 };
  const calls: string[] = [];

  const still = (place: number, moved: number) => Math.abs(moved) <= Math.abs(place) * 2 ** -23;

  function measure(a: number, b: number, step: number, nudge: { a: number; b: number }): LessonState {
    const { x, y } = spec!;
    let [loss, da, db] = [0, 0, 0];
    x.forEach((xi, i) => {
      const gap = a * xi + b - y[i]!;
      loss += (gap * gap) / x.length;
      da += (2 * gap * xi) / x.length;
      db += (2 * gap) / x.length;
    });
    return {
      step,
      a,
      b,
      loss: f(loss),
      gradient: { a: f(da), b: f(db) },
      nudge,
      settled: step > 0 && still(a, nudge.a) && still(b, nudge.b),
    };
  }

  /** SGD; momentum 0.9 (PyTorch's form); Adam (Kingma and Ba, 2014, algorithm 1). */
  function change(name: "a" | "b", slope: number, step: number): number {
    const { optimizer, lr } = spec!;
    if (optimizer === "sgd") return -lr * slope;
    if (optimizer === "momentum") return -lr * (m[name] = 0.9 * m[name] + slope);
    m[name] = 0.9 * m[name] + 0.1 * slope;
    v[name] = 0.999 * v[name] + 0.001 * slope ** 2;
    return (-lr * (m[name] / (1 - 0.9 ** step))) / (Math.sqrt(v[name] / (1 - 0.999 ** step)) + 1e-8);
  }

  return {
    calls,
    lessonOpen(input) {
      calls.push("open");
      spec = { ...input, x: [...input.x], y: [...input.y] };
      m = { a: 0, b: 0 };
      v = { a: 0, b: 0 };
      now = measure(f(input.a ?? 0), f(input.b ?? 0), 0, { a: 0, b: 0 });
      return Promise.resolve(now);
    },
    lessonStep({ count }) {
      calls.push(`step ${count}`);
      const states: LessonState[] = [];
      for (let i = 0; i < count && now; i++) {
        const step = now.step + 1;
        const a = f(now.a + change("a", now.gradient.a, step));
        const b = f(now.b + change("b", now.gradient.b, step));
        states.push((now = measure(a, b, step, { a: f(a - now.a), b: f(b - now.b) })));
      }
      return Promise.resolve(states.slice(-500));
    },
    lessonClose() {
      calls.push("close");
      now = undefined;
      return Promise.resolve();
    },
  };
}
