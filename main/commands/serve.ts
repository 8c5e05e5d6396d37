// paddock serve: the same app in a browser, on this machine only.
import { Command } from "commander";
import { resolve } from "node:path";
import { type Context, action } from "./action.ts";
import { whole } from "./values.ts";

interface Options {
  port?: number;
  open: boolean;
  model?: string;
  apiKey?: string;
  json?: boolean;
}

export function serveCommand(): Command {
  return new Command("serve")
    .description("open the app in a browser, and with --model or --api-key the local API; both listen on this machine only")
    .option("--port <n>", "the port; a free one when absent or 0", whole(0, 65535))
    .option("--no-open", "print the address, open nothing")
    .option("--model <file>", "a language model for the local API, besides those of the workspace: a GGUF file, a folder, a run")
    .option("--api-key <key>", "the key that the local API asks for; it is open at /v1 where this or --model is given")
    .option("--json", "print one JSON object with the address")
    .action(
      action(async (context, { port, open, model, apiKey }: Options) => {
        const api = model !== undefined || apiKey !== undefined ? { model: await checked(context, model), key: apiKey } : undefined;
        const { startWeb } = await import("../web.ts");
        // The address is the answer, and it must be said before the end: with --json as the one object, else as the door's own line.
        let line = "";
        const print = (text: string) => void (context.json ? (line = text) : process.stdout.write(`${text}\n`));
        const door = await startWeb({ port, open, print, workspace: context.paths.root, ...(api ? { api } : {}) });
        const base = api && `${new URL(door.url).origin}/v1`;
        if (context.json)
          process.stdout.write(
            `${JSON.stringify({ url: door.url, message: line, ...(base ? { api: { url: base, model: api.model ?? null, key: apiKey !== undefined } } : {}) })}\n`,
          );
        else if (base)
          process.stdout.write(
            `The API for other programs: ${base}${apiKey === undefined ? "; without --api-key any program of this machine may ask" : ""}\n`,
          );
        const close = () => void door.close();
        context.signal.addEventListener("abort", close, { once: true });
        if (context.signal.aborted) close();
        await door.closed;
        return undefined;
      }),
    );
}

/** The model's path, opened once so that what is wrong with it is said before anything listens. */
async function checked({ withWorker, signal }: Context, given: string | undefined): Promise<string | undefined> {
  if (given === undefined) return undefined;
  const model = resolve(given);
  await withWorker((api) => api.talkFacts({ model }, signal));
  return model;
}
