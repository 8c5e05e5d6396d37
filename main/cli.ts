// The command-line door (DESIGN.md section 5). Commands load what they need when they run, so that `--version` costs nothing.
import { Command, CommanderError } from "commander";
import { AppError } from "../ipc/error.ts";
import { benchCommand } from "./commands/bench.ts";
import { chatCommand } from "./commands/chat.ts";
import { correctCommand } from "./commands/correct.ts";
import { devicesCommand } from "./commands/devices.ts";
import { evaluateCommand } from "./commands/evaluate.ts";
import { exportCommand } from "./commands/export.ts";
import { gradCommand } from "./commands/grad.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { lessonCommand } from "./commands/lesson.ts";
import { end, fail } from "./commands/output.ts";
import { logitsCommand } from "./commands/logits.ts";
import { planCommand } from "./commands/plan.ts";
import { predictCommand } from "./commands/predict.ts";
import { recommendCommand } from "./commands/recommend.ts";
import { serveCommand } from "./commands/serve.ts";
import { trainCommand } from "./commands/train.ts";
import { trainStepCommand } from "./commands/trainStep.ts";
import { updateCommand } from "./commands/update.ts";
import { version } from "./version.ts";

const commands = [
  lessonCommand,
  inspectCommand,
  trainCommand,
  predictCommand,
  planCommand,
  logitsCommand,
  evaluateCommand,
  correctCommand,
  recommendCommand,
  chatCommand,
  devicesCommand,
  serveCommand,
  updateCommand,
  exportCommand,
  gradCommand,
  trainStepCommand,
  benchCommand,
];

function program(): Command {
  const paddock = new Command("paddock")
    .description("Train, fine-tune and run neural networks on your own machine.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .enablePositionalOptions()
    .showHelpAfterError(false);
  for (const command of commands) paddock.addCommand(command());
  // Wrong usage is said by us: as JSON where that is asked for, with exit code 2 either way.
  for (const one of [paddock, ...paddock.commands, ...paddock.commands.flatMap((command) => command.commands)])
    one.exitOverride().configureOutput({ writeErr: () => {}, outputError: () => {} });
  return paddock;
}

/** Runs the command line to its end; the exit code is set by then. */
async function main(args: string[]): Promise<void> {
  const json = args.includes("--json");
  try {
    await program().parseAsync(args, { from: "user" });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) return fail(AppError.from(thrown), json);
    if (thrown.exitCode === 0) return end(0);
    if (thrown.code === "commander.help") {
      const error = new AppError("usage", "A command is missing.", "paddock --help lists them.");
      if (!json) process.stdout.write(program().helpInformation());
      return fail(error, json);
    }
    const said = thrown.message.replace(/^error: /, "").replace(/\s*\n\s*/g, " ");
    const message = said.charAt(0).toUpperCase() + said.slice(1).replace(/\.?$/, ".");
    await fail(new AppError("usage", message, "paddock --help and paddock COMMAND --help list what there is."), json);
  }
}

await main(process.argv.slice(2));
