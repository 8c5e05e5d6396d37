// What comes in at the local API, in OpenAI's shapes, as what our own calls take. What is not done is refused by name: nothing that changes an answer
// is ignored in silence. https://platform.openai.com/docs/api-reference
import * as v from "valibot";
import type { ChatTurn, SamplingSettings, TalkSpec } from "../../ipc/types.ts";
import { ApiError } from "./errors.ts";

const real = (min: number, max: number) => v.nullish(v.pipe(v.number(), v.finite(), v.minValue(min), v.maxValue(max)));
const whole = (min: number, max: number) => v.nullish(v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max)));
const text = v.pipe(v.string(), v.maxLength(4_000_000));

const part = v.looseObject({ type: v.string(), text: v.optional(text) });
const message = v.looseObject({ role: v.string(), content: v.nullish(v.union([text, v.array(part)])) });

/** What both kinds of completion take. */
const common = {
  model: v.pipe(v.string(), v.minLength(1)),
  stream: v.nullish(v.boolean()),
  stream_options: v.nullish(v.looseObject({ include_usage: v.nullish(v.boolean()) })),
  max_tokens: whole(1, 1_000_000),
  temperature: real(0, 2),
  top_p: real(0, 1),
  top_k: whole(0, 1_000_000),
  min_p: real(0, 1),
  repeat_penalty: real(0.1, 10),
  seed: v.nullish(v.pipe(v.number(), v.integer())),
  stop: v.nullish(v.union([text, v.pipe(v.array(text), v.maxLength(16))])),
  n: whole(1, 16),
  frequency_penalty: v.nullish(v.number()),
  presence_penalty: v.nullish(v.number()),
  logit_bias: v.nullish(v.unknown()),
};

export const chatRequest = v.looseObject({
  ...common,
  messages: v.pipe(v.array(message), v.minLength(1)),
  logprobs: v.nullish(v.boolean()),
  top_logprobs: whole(0, 20),
  max_completion_tokens: whole(1, 1_000_000),
  response_format: v.nullish(
    v.variant("type", [
      v.looseObject({ type: v.literal("text") }),
      v.looseObject({ type: v.literal("json_object") }),
      v.looseObject({
        type: v.literal("json_schema"),
        json_schema: v.looseObject({ schema: v.nullish(v.record(v.string(), v.unknown())) }),
      }),
    ]),
  ),
  tools: v.nullish(v.array(v.unknown())),
  functions: v.nullish(v.array(v.unknown())),
  tool_choice: v.nullish(v.unknown()),
  function_call: v.nullish(v.unknown()),
  modalities: v.nullish(v.array(v.string())),
  audio: v.nullish(v.unknown()),
  web_search_options: v.nullish(v.unknown()),
  reasoning_effort: v.nullish(v.string()),
  verbosity: v.nullish(v.string()),
});

export const completionRequest = v.looseObject({
  ...common,
  prompt: v.union([text, v.pipe(v.array(text), v.minLength(1), v.maxLength(64))]),
  logprobs: whole(0, 5),
  echo: v.nullish(v.boolean()),
  suffix: v.nullish(v.string()),
  best_of: v.nullish(v.number()),
});

export const embeddingRequest = v.looseObject({
  model: v.pipe(v.string(), v.minLength(1)),
  input: v.union([text, v.pipe(v.array(text), v.minLength(1), v.maxLength(2048))]),
  encoding_format: v.nullish(v.picklist(["float", "base64"])),
  dimensions: v.nullish(v.number()),
});

const cell = v.union([v.string(), v.number(), v.boolean(), v.null()]);
export const predictRequest = v.strictObject({
  model: v.pipe(v.string(), v.minLength(1)),
  rows: v.pipe(v.array(v.record(v.string(), cell)), v.minLength(1), v.maxLength(10_000)),
  /** Of a recommender: how many. */
  top: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(200))),
});

/** The value, checked; else an error in OpenAI's shape that names the field. */
export function parsed<T>(schema: v.GenericSchema<unknown, T>, value: unknown): T {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const param = v.getDotPath(issue) ?? null;
  throw new ApiError(400, `Invalid value${param ? ` for '${param}'` : ""}: ${issue.message}.`, { param });
}

type Common = v.InferOutput<v.ObjectSchema<typeof common, undefined>>;

function refuse(param: string, asked: boolean): void {
  if (asked) throw new ApiError(400, `'${param}' is not supported by this server.`, { param, code: "unsupported_parameter" });
}

/** Values that ask for what is not done. */
function refuseCommon({ frequency_penalty, presence_penalty, logit_bias }: Common): void {
  refuse("frequency_penalty", Boolean(frequency_penalty));
  refuse("presence_penalty", Boolean(presence_penalty));
  refuse("logit_bias", Object.keys(logit_bias ?? {}).length > 0);
}

function settingsOf(asked: Common, maxTokens: number | null | undefined, context: number): Omit<TalkSpec, "asked"> {
  const sampling: SamplingSettings = {};
  if (typeof asked.temperature === "number") sampling.temperature = asked.temperature;
  if (typeof asked.top_p === "number") sampling.topP = asked.top_p;
  if (typeof asked.top_k === "number") sampling.topK = asked.top_k;
  if (typeof asked.min_p === "number") sampling.minP = asked.min_p;
  if (typeof asked.repeat_penalty === "number") sampling.repeatPenalty = asked.repeat_penalty;
  if (typeof asked.seed === "number") sampling.seed = ((asked.seed % 2 ** 32) + 2 ** 32) % 2 ** 32;
  const stop = typeof asked.stop === "string" ? [asked.stop] : (asked.stop ?? []);
  return { maxTokens: maxTokens ?? context, sampling, ...(stop.length ? { stop } : {}) };
}

const roles: Record<string, ChatTurn["role"]> = { system: "system", developer: "system", user: "user", assistant: "assistant" };

/** The same question so many times: where a seed is given, each answer has the next one. */
function times(spec: TalkSpec, n: number | null | undefined): TalkSpec[] {
  const seed = spec.sampling?.seed;
  return Array.from({ length: n ?? 1 }, (_, i) =>
    seed === undefined ? spec : { ...spec, sampling: { ...spec.sampling, seed: (seed + i) % 2 ** 32 } },
  );
}

/** One spec an answer. */
export function chatSpecs(asked: v.InferOutput<typeof chatRequest>, context: number): TalkSpec[] {
  refuseCommon(asked);
  refuse("tools", Boolean(asked.tools?.length));
  refuse("functions", Boolean(asked.functions?.length));
  for (const name of ["tool_choice", "function_call"] as const)
    refuse(name, !["none", "auto", undefined, null].includes(asked[name] as string | null | undefined));
  refuse("modalities", Boolean(asked.modalities?.some((one) => one !== "text")));
  for (const name of ["audio", "web_search_options", "reasoning_effort", "verbosity"] as const) refuse(name, Boolean(asked[name]));
  if (typeof asked.top_logprobs === "number" && !asked.logprobs)
    throw new ApiError(400, "'top_logprobs' needs 'logprobs' to be true.", { param: "top_logprobs" });
  const turns = asked.messages.map(({ role, content }, i): ChatTurn => {
    const known = Object.hasOwn(roles, role) ? roles[role] : undefined;
    if (!known) throw new ApiError(400, `The role '${role}' is not supported.`, { param: `messages.${i}.role` });
    const other = Array.isArray(content) ? content.find(({ type }) => type !== "text") : undefined;
    if (other) throw new ApiError(400, `Content of the type '${other.type}' is not supported.`, { param: `messages.${i}.content` });
    return { role: known, content: Array.isArray(content) ? content.map((one) => one.text ?? "").join("") : (content ?? "") };
  });
  const { response_format: format } = asked;
  const json =
    format?.type === "json_object"
      ? ("object" as const)
      : format?.type === "json_schema" && format.json_schema.schema
        ? { schema: format.json_schema.schema }
        : undefined;
  const settings = settingsOf(asked, asked.max_completion_tokens ?? asked.max_tokens, context);
  const logprobs = asked.logprobs ? { logprobs: asked.top_logprobs ?? 0 } : {};
  return times({ asked: { turns }, ...settings, ...(json ? { json } : {}), ...logprobs }, asked.n);
}

/** One spec a prompt and answer. */
export function completionSpecs(asked: v.InferOutput<typeof completionRequest>): TalkSpec[] {
  refuseCommon(asked);
  refuse("echo", asked.echo === true);
  refuse("suffix", Boolean(asked.suffix));
  refuse("best_of", (asked.best_of ?? 1) !== 1);
  const prompts = typeof asked.prompt === "string" ? [asked.prompt] : asked.prompt;
  const settings = settingsOf(asked, asked.max_tokens ?? 16, 16);
  const logprobs = typeof asked.logprobs === "number" ? { logprobs: asked.logprobs } : {};
  return prompts.flatMap((prompt) => times({ asked: { text: prompt }, ...settings, ...logprobs }, asked.n));
}
