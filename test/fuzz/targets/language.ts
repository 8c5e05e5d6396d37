// Language models: GGUF files, Hugging Face folders, tokenizers, chat templates, adapters.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { openLanguageFile } from "../../../worker/formats/language/open.ts";
import { readPeft } from "../../../worker/formats/language/peft.ts";
import { ChatTemplate } from "../../../worker/formats/language/template.ts";
import { openFolderTokens, openTokens } from "../../../worker/formats/language/tokens.ts";
import { openLanguageModel } from "../../../worker/models/language/index.ts";
import { Bpe, endOfText, readBpe } from "../../../worker/data/text/bpe.ts";
import { AppError } from "../../../ipc/error.ts";
import type { Input, Target } from "../target.ts";

const fixtures = resolve(process.env["PADDOCK_FUZZ_ROOT"] ?? ".", "test/references/language");
const tokenizerJson = () => readFileSync(resolve(fixtures, "../encoder/tokenizer.json"));

/** Opens the model as a family, its weights, its tokenizer; each may refuse. */
function readModel(path: string): void {
  const file = openLanguageFile(path);
  try {
    for (const name of file.infos.keys()) file.bytes(name);
    try {
      tryTokens(openTokens(file, path));
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown;
    }
  } finally {
    file.close();
  }
  const model = openLanguageModel(path);
  model.close();
}

function tryTokens(tokens: ReturnType<typeof openTokens>): void {
  const ids = tokens.encode("Once upon a time, 12 größer 味道 <|im_start|> \n\n  end");
  if (ids.some((id) => !Number.isInteger(id))) throw new Error(`a token that is no number: ${ids.join()}`);
  tokens.decode(ids.slice(0, 50));
  tokens.piece(0);
  tokens.template?.render([{ role: "user", content: "Hi" }], { answer: true });
}

/** The head of a small model, and its first weights: damage lies where the sizes are. */
export const gguf: Target = {
  parts: ["model.gguf"],
  seeds: () => ["llama", "gpt2", "qwen3", "gemma2", "phi3"].map((name): Input => [readFileSync(join(fixtures, `${name}.gguf`))]),
  read([bytes], folder) {
    const path = join(folder, "model.gguf");
    writeFileSync(path, bytes!);
    readModel(path);
  },
  code: /\/worker\/(formats\/language\/gguf|models\/language)/,
  most: 2 ** 18,
};

/** A folder of parts, so that each is sound but for what was changed; the header of the weights gets its true length. */
export const huggingface: Target = {
  parts: ["config.json", "header.json", "data", "tokenizer.json", "tokenizer_config.json"],
  seeds: () =>
    ["llama", "gpt2", "qwen3", "gemma3_text", "phi3-long", "bloom"].map((name): Input => {
      const weights = readFileSync(join(fixtures, name, "model.safetensors"));
      const length = Number(weights.readBigUInt64LE(0));
      return [
        readFileSync(join(fixtures, name, "config.json")),
        weights.subarray(8, 8 + length),
        weights.subarray(8 + length),
        tokenizerJson(),
        Buffer.from(
          '{"bos_token": "<s>", "eos_token": {"content": "</s>"}, "chat_template": "{% for m in messages %}{{ m.content }}{% endfor %}"}',
        ),
      ];
    }),
  read([config, header, data, tokenizer, tokenizerConfig], folder) {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header!.length));
    writeFileSync(join(folder, "config.json"), config!);
    writeFileSync(join(folder, "model.safetensors"), Buffer.concat([length, header!, data!]));
    writeFileSync(join(folder, "tokenizer.json"), tokenizer!);
    writeFileSync(join(folder, "tokenizer_config.json"), tokenizerConfig!);
    readModel(folder);
  },
  code: /\/worker\/(formats\/language\/(huggingface|safetensors)|models\/language)/,
};

export const safetensors: Target = {
  parts: ["model.safetensors"],
  seeds: () => [[readFileSync(join(fixtures, "llama/model.safetensors"))]],
  read([bytes], folder) {
    writeFileSync(join(folder, "config.json"), readFileSync(join(fixtures, "llama/config.json")));
    writeFileSync(join(folder, "model.safetensors"), bytes!);
    readModel(folder);
  },
  code: /\/worker\/formats\/language\/safetensors/,
  most: 2 ** 18,
};

const bpe = {
  version: "1.0",
  added_tokens: [{ id: 0, content: "<s>", special: true, single_word: false, lstrip: false, rstrip: false, normalized: false }],
  normalizer: { type: "Sequence", normalizers: [{ type: "NFC" }, { type: "Lowercase" }, { type: "Replace", pattern: { Regex: " +" }, content: " " }, { type: "Prepend", prepend: "▁" }] }, // prettier-ignore
  pre_tokenizer: { type: "Sequence", pretokenizers: [{ type: "Split", pattern: { Regex: "\\p{L}+|\\p{N}{1,3}|\\s+" }, behavior: "Isolated", invert: false }, { type: "ByteLevel", add_prefix_space: false, use_regex: false }] }, // prettier-ignore
  post_processor: { type: "TemplateProcessing", single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }], pair: [], special_tokens: { "<s>": { id: "<s>", ids: [0], tokens: ["<s>"] } } }, // prettier-ignore
  decoder: { type: "Sequence", decoders: [{ type: "ByteFallback" }, { type: "Fuse" }, { type: "Strip", content: " ", start: 1, stop: 0 }, { type: "ByteLevel" }] }, // prettier-ignore
  model: { type: "BPE", vocab: { "<s>": 0, a: 1, b: 2, ab: 3, e: 4, n: 5, en: 6, "Ġ": 7, "<0x0A>": 8 }, merges: ["a b", "e n"], unk_token: "<s>", byte_fallback: true, fuse_unk: true }, // prettier-ignore
};
const unigram = { ...bpe, pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "always" }, decoder: { type: "Metaspace", replacement: "▁", prepend_scheme: "always" }, model: { type: "Unigram", unk_id: 0, vocab: [["<s>", 0], ["▁", -2], ["e", -3], ["en", -2.5], ["a", -4]] } }; // prettier-ignore
export const tokenizer: Target = {
  parts: ["tokenizer.json", "tokenizer_config.json"],
  seeds: () =>
    [bpe, unigram, JSON.parse(tokenizerJson().toString()) as object].map((json): Input => [
      Buffer.from(JSON.stringify(json)),
      Buffer.from('{"bos_token": "<s>"}'),
    ]),
  read([json, config], folder) {
    writeFileSync(join(folder, "tokenizer.json"), json!);
    writeFileSync(join(folder, "tokenizer_config.json"), config!);
    tryTokens(openFolderTokens(folder));
  },
  code: /@huggingface\/tokenizers/,
  words: ["(a+)+$", "(?:a|a)*b", "\\p{L}", "(?=", "[", "Regex", "String"],
  most: 2 ** 16,
};

export const ownTokenizer: Target = {
  parts: ["tokenizer.json"],
  seeds: () => [
    [
      Buffer.from(
        new Bpe({
          specials: [endOfText],
          merges: [
            [70, 71],
            [257, 72],
          ],
        }).toJson(),
      ),
    ],
  ],
  read: ([json]) => void readBpe(json!.toString("utf8"), "tokenizer.json").encode("one two 三"),
  code: /\/worker\/data\/text\/bpe/,
  most: 2 ** 16,
};

const templates = [
  "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content | trim }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}",
  "{% set ns = namespace(x=0) %}{% for m in messages %}{% if loop.index0 % 2 == 0 and m['role'] != 'user' %}{{ raise_exception('no') }}{% endif %}{% set ns.x = ns.x + 1 %}{{ m.content.split(' ')[-1] | upper }}{% endfor %}{{ ns.x }}",
  "{%- macro f(a, b=1) -%}{{ a ~ b }}{%- endmacro -%}{{ f('x') }}{{ messages | map(attribute='content') | join(', ') }}{{ [1,2,3] | tojson }}{{ {'a': 1}.items() | list }}",
];
export const template: Target = {
  parts: ["chat_template.jinja"],
  seeds: () => templates.map((text): Input => [Buffer.from(text)]),
  read([text]) {
    const chat = [
      { role: "user", content: "Hi there" },
      { role: "assistant", content: "Hello" },
    ];
    new ChatTemplate(text!.toString("utf8"), { bos_token: "<s>", eos_token: "</s>" }, "model").render(chat, { answer: true });
  },
  code: /@huggingface\/jinja/,
  words: [
    "{% for i in range(1000) %}",
    "{% endfor %}",
    "constructor",
    "__proto__",
    "prototype",
    "process",
    "| replace('a', 'aa')",
    "range(99999999)",
    "* 1000000",
    "{{",
    "}}",
    "{%",
    "%}",
  ],
  most: 2 ** 13,
};

export const adapter: Target = {
  parts: ["adapter_config.json", "header.json", "data"],
  seeds() {
    const header: Record<string, object> = {};
    let at = 0;
    for (const layer of ["model.layers.0.self_attn.q_proj", "model.layers.0.mlp.up_proj"])
      for (const [part, shape] of [
        ["A", [2, 8]],
        ["B", [8, 2]],
      ] as const) {
        header[`base_model.model.${layer}.lora_${part}.weight`] = { dtype: "F32", shape, data_offsets: [at, at + 64] };
        at += 64;
      }
    return [[Buffer.from(JSON.stringify({ peft_type: "LORA", r: 2, lora_alpha: 4, target_modules: ["q_proj", "up_proj"], bias: "none" })), Buffer.from(JSON.stringify(header)), Buffer.alloc(at, 0x3d)]]; // prettier-ignore
  },
  read([config, header, data], folder) {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header!.length));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "adapter_config.json"), config!);
    writeFileSync(join(folder, "adapter_model.safetensors"), Buffer.concat([length, header!, data!]));
    const { layers, rank } = readPeft(folder);
    for (const { a, b, inputs, outputs } of layers.values())
      if (a.length !== rank * inputs || b.length !== rank * outputs) throw new Error("factors of another size than said");
  },
  code: /\/worker\/formats\/language\/(peft|safetensors)/,
};
