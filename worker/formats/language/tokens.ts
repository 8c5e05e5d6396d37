// Text to tokens and back for a language model, whichever file its tokenizer lies in.
import { Tokenizer } from "@huggingface/tokenizers";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import { ggufTokenizer, type TokenizerFiles } from "./ggufTokenizer.ts";
import { readJson } from "./huggingface.ts";
import type { LanguageFile } from "./open.ts";
import { ChatTemplate } from "./template.ts";

export interface Tokens {
  /** Ids of a text. `special`: with what the model wants at the beginning (default true). */
  encode(text: string, options?: { special?: boolean }): number[];
  /** Text of ids; special tokens are left out. */
  decode(ids: readonly number[]): string;
  /** A token as it stands in the vocabulary. */
  piece(id: number): string;
  bos: number | undefined;
  eos: number | undefined;
  /** How a conversation is laid out; undefined where the model does not say. */
  template: ChatTemplate | undefined;
}

/** @param where the model's path, for messages @throws modelInvalid where there is no tokenizer, or none that can be read */
export function openTokens(file: LanguageFile, where: string): Tokens {
  return tokensOf(file.format === "gguf" ? ggufTokenizer(file, where) : folderTokenizer(where), where);
}

/** Those of a folder with tokenizer.json, whatever the model beside it is. Throws fileMissing, modelInvalid. */
export const openFolderTokens = (folder: string): Tokens => tokensOf(folderTokenizer(folder), folder);

/** Those that the files of a folder describe. Throws modelInvalid. */
export function tokensOf({ tokenizer: json, config }: TokenizerFiles, where: string): Tokens {
  let tokenizer: Tokenizer;
  try {
    tokenizer = new Tokenizer(json, config);
  } catch (cause) {
    throw new AppError(
      "modelInvalid",
      `The tokenizer of ${where} cannot be read: ${(cause as Error).message}.`,
      "The model is damaged, or its tokenizer is of a kind that is not known here.",
      { file: where },
      cause,
    );
  }
  const named = (key: string): string | undefined => {
    const value = config[key];
    if (typeof value === "string") return value;
    const content = (value as { content?: unknown } | null | undefined)?.content;
    return typeof content === "string" ? content : undefined;
  };
  const idOf = (key: string) => {
    const token = named(key);
    return token === undefined ? undefined : tokenizer.token_to_id(token);
  };
  const template = templateOf(config);
  return {
    encode: (text, { special = true } = {}) => tokenizer.encode(text, { add_special_tokens: special }).ids,
    decode: (ids) => (ids.length ? tokenizer.decode([...ids], { skip_special_tokens: true, clean_up_tokenization_spaces: false }) : ""),
    piece: (id) => tokenizer.id_to_token(id) ?? "",
    bos: idOf("bos_token"),
    eos: idOf("eos_token"),
    template:
      template === undefined
        ? undefined
        : new ChatTemplate(template, { bos_token: named("bos_token") ?? "", eos_token: named("eos_token") ?? "" }, where),
  };
}

/** tokenizer.json and tokenizer_config.json of a folder. Throws fileMissing, modelInvalid. */
export function folderTokenizer(folder: string): TokenizerFiles {
  const tokenizer = readJson(folder, "tokenizer.json");
  if (!tokenizer)
    throw new AppError(
      "fileMissing",
      `The folder '${folder}' has no tokenizer.json.`,
      "Copy the whole folder of the model; older ones can be saved again by transformers.",
      {
        file: join(folder, "tokenizer.json"),
      },
    );
  const config = readJson(folder, "tokenizer_config.json") ?? {};
  const beside = join(folder, "chat_template.jinja");
  return { tokenizer, config: existsSync(beside) ? { ...config, chat_template: readFileSync(beside, "utf8") } : config };
}

/** One template, or the one named "default" of several. */
function templateOf({ chat_template: told }: Record<string, unknown>): string | undefined {
  if (typeof told === "string") return told;
  if (!Array.isArray(told)) return undefined;
  const named = (told as { name?: unknown; template?: unknown }[]).find((t) => t?.name === "default")?.template;
  return typeof named === "string" ? named : undefined;
}
