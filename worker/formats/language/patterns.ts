// Regular expressions by which known models part text before pairs are merged. None of them goes back over what it read for long, so that tokenizers
// with these alone need no watch. By llama.cpp's names (src/llama-vocab.cpp).
const gpt2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;
const llama3 = (digits: string) =>
  String.raw`(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|${digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
/** The same as its own tokenizer.json writes it. */
const llama3Own = (digits: string) =>
  String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|${digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
const digit = String.raw`\p{N}`;
const digits = String.raw`\p{N}{1,3}`;
const bloom = String.raw` ?[^(\s|.,!?…。，、।۔،)]+`;

export const parted: Readonly<Record<string, readonly string[]>> = {
  "gpt-2": [gpt2],
  gpt2: [gpt2],
  olmo: [gpt2],
  mpt: [gpt2],
  dbrx: [llama3(digits)],
  "llama-bpe": [llama3(digits)],
  "llama-v3": [llama3(digits)],
  llama3: [llama3(digits)],
  qwen2: [llama3(digit)],
  smollm: [digit, gpt2],
  starcoder: [digit, gpt2],
  refact: [digit, gpt2],
  "command-r": [digit, gpt2],
  bloom: [bloom],
};

export const knownPatterns: ReadonlySet<string> = new Set([
  ...Object.values(parted).flat(),
  llama3Own(digit),
  llama3Own(digits),
  digits,
  " ",
  " +",
  " {2,}",
  String.raw`\s+`,
  String.raw`\n`,
  String.raw`\d`,
  String.raw`[0-9]`,
]);
