// Chat templates: Jinja written by whoever made the model, so it runs in an interpreter that knows no more than the conversation, is stopped after a
// while, and gives a text of bounded length.
import { Template } from "@huggingface/jinja";
import vm from "node:vm";
import { AppError } from "../../../ipc/error.ts";

export interface ChatMessage {
  role: string;
  content: string;
}

const limits = { template: 200_000, milliseconds: 2000, text: 4 * 2 ** 20 };

export class ChatTemplate {
  readonly #where: string;
  readonly #given: Record<string, unknown>;
  readonly #template: Template;

  /** @throws modelInvalid for a template that is too long or cannot be read */
  constructor(source: string, given: Record<string, unknown>, where: string) {
    this.#where = where;
    this.#given = given;
    if (source.length > limits.template) throw this.#refused(`is ${source.length} letters long`);
    this.#template = this.#within(() => new Template(source));
  }

  /**
   * A conversation as one text.
   * @param options.answer whether the text ends where the model's answer begins
   * @throws modelInvalid where the template fails, takes too long or writes too much
   */
  render(messages: readonly ChatMessage[], { answer = false } = {}): string {
    const text = this.#within(() =>
      this.#template.render({
        ...this.#given,
        messages: messages.map((m) => ({ ...m })),
        add_generation_prompt: answer,
      }),
    );
    if (text.length > limits.text) throw this.#refused(`writes ${text.length} letters for ${messages.length} messages`);
    return text;
  }

  /** What runs within is ended after a while, wherever it is. */
  #within<T>(body: () => T): T {
    try {
      return vm.runInNewContext("body()", { body }, { timeout: limits.milliseconds }) as T;
    } catch (thrown) {
      const late = (thrown as { code?: unknown }).code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
      throw this.#refused(late ? "does not come to an end" : `cannot be used: ${String((thrown as Error).message).slice(0, 200)}`, thrown);
    }
  }

  #refused(what: string, cause?: unknown): AppError {
    return new AppError(
      "modelInvalid",
      `The chat template of ${this.#where} ${what}.`,
      "Use the model without it, or get the model from where you trust.",
      { file: this.#where },
      cause,
    );
  }
}
