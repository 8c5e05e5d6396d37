// paddock devices: what can compute here, each tried in a process of its own.
import { Command } from "commander";
import { action } from "./action.ts";
import { bytes, columns } from "./output.ts";

export function devicesCommand(): Command {
  return new Command("devices")
    .description("list what can compute here")
    .option("--json", "print one JSON array")
    .action(
      action(async (context) => {
        const { Devices } = await import("../devices.ts");
        const devices = new Devices(context.startWorker);
        try {
          const found = await devices.list(false, context.signal);
          const rows = found.map(({ id, name, memoryBytes, works, why }) => [
            id,
            works ? "works" : "does not work",
            name,
            memoryBytes === null ? "" : bytes(memoryBytes),
            why,
          ]);
          return { json: found, text: columns(rows) };
        } finally {
          await devices.dispose();
        }
      }),
    );
}
