// The nets that `paddock bench suite` times.
import { convnet } from "./convnet.ts";
import { gpt } from "./gpt.ts";
import { lora } from "./lora.ts";
import { lstm } from "./lstm.ts";
import { mlp } from "./mlp.ts";
import { resnet18 } from "./resnet18.ts";
import { vit } from "./vit.ts";

export const suite = { mlp, convnet, resnet18, vit, gpt, lstm, lora };
