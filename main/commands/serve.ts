// paddock serve: the same app in a browser, on this machine only.
import { Command } from "commander";
import { AppError } from "../../ipc/error.ts";
import { action } from "./action.ts";
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
    .description("open the app in a browser; it listens on this machine only")
    .option("--port <n>", "the port; a free one when absent or 0", whole(0, 65535))
    .option("--no-open", "print the address, open nothing")
    .option("--model <file>", "comes with the local API")
    .option("--api-key <key>", "comes with the local API")
    .option("--json", "print one JSON object with the address")
    .action(
      action(async (context, { port, open, model, apiKey }: Options) => {
        if (model !== undefined || apiKey !== undefined)
          throw new AppError("usage", "The local API for models is not there yet.", "Leave out --model and --api-key to open the app.");
        const { startWeb } = await import("../web.ts");
        // The address is the answer, and it must be said before the end: with --json as the one object, else as the door's own line.
        let line = "";
        const print = (text: string) => void (context.json ? (line = text) : process.stdout.write(`${text}\n`));
        const door = await startWeb({ port, open, print, workspace: context.paths.root });
        if (context.json) process.stdout.write(`${JSON.stringify({ url: door.url, message: line })}\n`);
        const close = () => void door.close();
        context.signal.addEventListener("abort", close, { once: true });
        if (context.signal.aborted) close();
        await door.closed;
        return undefined;
      }),
    );
}
