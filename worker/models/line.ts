// The line (and the plane): each answer is a weighted sum of the inputs plus a constant. The lesson's y = a·x + b is this family with one
// input; for classes it is multinomial logistic regression.
import { embedCategories, widthOf, zeros } from "./layers.ts";
import { model } from "./model.ts";

export const line = model({
  id: "line",
  title: "Line",
  tasks: ["regression", "classification"],
  config: {},
  build(net, _, { x, codes, categories, outputs }) {
    const { g } = net;
    const found = codes ? embedCategories(net, codes, categories, { size: 1, few: 10_000 }) : []; // every category a 0/1 input of its own
    const parts = found.map((part) => g.squeeze(part, [0]));
    const h = g.concat(x ? [x, ...parts] : parts, { axis: 1 }); // (B, F)
    const a = net.weight("a", [widthOf(h), outputs], zeros); // (F, outputs)
    const b = net.weight("b", [outputs], zeros);
    return g.add(g.matmul(h, a), b); // (B, outputs)
  },
});
