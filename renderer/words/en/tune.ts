import { en } from "../format.ts";

/** Fine-tuning an imported language model. */
export const tune = {
  conversations: "The conversations",
  turn: (n: string, of: string) => `${n} of the first ${of}`,
  earlier: "Earlier one",
  later: "Next one",
  messages: (n: number, form: string) => `${en.plural(n, { one: "# message", other: "# messages" })}, a row as ${form}`,
  speakers: { system: "Setting", user: "Question", assistant: "Answer" },
  cut: "Only the beginning is shown of what is long.",
  start: "Starts from",
  scratch: "Nothing: a small model of its own",
  startHelp: "An imported language model can write already; what it is taught here changes how it answers.",
  none: "Only from nothing so far: no language model is on the shelf. Drop a GGUF file, or the folder of a Hugging Face model, in this window; then it can be taught this.",
  unknown:
    "The language models on the shelf are of families that cannot be taught here. Drop one of another family: Llama, Qwen, Mistral, Gemma, Phi, GPT-2, GPT-NeoX, BLOOM.",
  gone: "A model that is no longer on the shelf",
  how: "What learns",
  methods: {
    lora: "LoRA: adapters beside its weights",
    qlora: "QLoRA: adapters, weights as packed",
    head: "Its output layer alone",
    full: "All of its weights",
  },
  short: { lora: "LoRA", qlora: "QLoRA", head: "output layer", full: "all weights" },
  howHelp: {
    packed: "Its weights stay in 4 or 8 bits as they came; small adapters learn beside them.",
    plain: "Adapters need the least memory and are usually as good. All weights need four times the model's size.",
  },
  prompts: "Your own test prompts",
  promptsHelp: "One a line, five at most: answered before the first step and after the last, to be laid side by side.",
  promptExample: (question: string) => `such as: ${question}`,
  what: (name: string, form: "chats" | "text" | "tokens") =>
    form === "chats"
      ? `${name} will learn to answer as these conversations do; only the answers are learned.`
      : form === "text"
        ? `${name} will learn to write like this text.`
        : `${name} will learn these rows of tokens.`,
  rows: {
    chats: (n: number) => en.plural(n, { one: "# conversation", other: "# conversations" }),
    text: (n: number) => en.plural(n, { one: "# passage", other: "# passages" }),
    tokens: (n: number) => en.plural(n, { one: "# row", other: "# rows" }),
  },
  method: (how: string, rank: number | undefined) => (rank === undefined ? how : `${how}, rank ${en.count(rank)}`),
  moves: "Numbers that learn",
  trainable: (n: number, of: number) => `${en.count(n)} of ${en.count(of)} (${en.number((100 * n) / of, 2)}\u00a0%)`,
  longest: "Longest row",
  tokens: (n: number) => en.plural(n, { one: "# token", other: "# tokens" }),
  shortened: (n: number) => en.plural(n, { one: "; # longer one is cut", other: "; # longer ones are cut" }),
  perplexity: (choices: string, form: "chats" | "text" | "tokens") =>
    `${form === "text" ? "On text" : "On answers"} it has never seen, it wavers between ${choices} tokens each time; fewer is better.`,
  onTest: (rows: string) => `on ${rows} held out`,
  compared: "Beside the model as it was; less is better",
  after: "Fine-tuned",
  before: "As it was",
  better: (factor: string) => `It is ${factor} times less surprised than before.`,
  worse: "It is no better than before. More examples, another rate or more passes may help.",
  answers: "Your test prompts",
  answersLead: "The likeliest answer each time, 64 tokens at most: what differs is what was learned.",
  answering: "It answers your test prompts before it learns, and again at the end.",
  nothing: "(no answer)",
  blind: "Blind",
  blindHelp: "Hides which answer is which, in a new order, until you have chosen.",
  sides: ["Answer A", "Answer B"],
  chooseSide: ["A is better", "B is better"],
  same: "No difference",
  chosen: (after: number, before: number, same: number) =>
    `You chose: fine-tuned ${en.count(after)}, as it was ${en.count(before)}, no difference ${en.count(same)}.`,
  yours: "your choice",
  again: "Shuffle again",
  take: { gguf: "Save the whole model (GGUF)", huggingface: "Save the whole model (Hugging Face folder)" },
  takeHelp: {
    gguf: "The model with what it learned put in, for llama.cpp, LM Studio, Ollama and Jan.",
    huggingface: "The model with what it learned put in, as a zip of its folder, for transformers and others.",
  },
  forms: {
    peft: {
      title: "Adapter for PEFT",
      what: "A zip with adapter_model.safetensors and its settings, for Python; the model itself is not in it.",
    },
    "gguf-lora": { title: "Adapter for llama.cpp", what: "One small GGUF file that llama.cpp lays beside the model (--lora)." },
    gguf: {
      title: "The whole model as GGUF",
      what: "Turned into one file, tokenizer and all, with what it learned put in: for llama.cpp, LM Studio, Ollama and Jan.",
    },
    safetensors: {
      title: "The whole model as a Hugging Face folder",
      what: "Turned into a folder with tokenizer and settings, as a zip, with what it learned put in: for transformers and others.",
    },
  },
  notes: {
    nfc: "Letters with separate accents are not joined first, as the model's own tokenizer does: write them joined.",
    spaces: "A space is also put before a text that begins with one, and before what follows a special token.",
    strip: "Spaces beside some special tokens stay.",
    gelu: "llama.cpp computes GELU by its approximate formula: probabilities may differ in the fourth digit.",
    longrope: "llama.cpp takes the factors for long texts as soon as its context is longer than the model's first one.",
    window: "llama.cpp knows no attention window for this family: the context ends where it would begin to matter.",
    halves: "Weights of a few bits are kept in 16.",
  },
  adapterSize: (bytes: number) => en.bytes(bytes),
  logits: (n: number, difference: number) =>
    `Opened again and asked ${en.count(n)} tokens: largest difference ${en.number(100 * difference, 2)} % of the largest logit.`,
};
