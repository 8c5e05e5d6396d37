// An update file that the user chose: being checked, found right, or refused. Nothing is looked for, and nothing is installed.
import { AppError, type ErrorRecord } from "../../ipc/error.ts";
import type { Handout, UpdateInfo } from "../../ipc/host.ts";
import type { Ground } from "./ground.ts";

export const isUpdate = (name: string): boolean => /\.update\.zip$/i.test(name);

export class Update {
  checking = $state(false);
  found: { update: UpdateInfo; handout: Handout } | undefined = $state.raw();
  error: ErrorRecord | undefined = $state.raw();
  readonly #ground: Ground;

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  async check(file: File): Promise<void> {
    if (this.checking) return;
    this.checking = true;
    this.found = undefined;
    this.error = undefined;
    try {
      const source = await this.#ground.door.take(file, () => {});
      this.found = await this.#ground.call.checkUpdate({ source });
    } catch (thrown) {
      this.error = AppError.from(thrown).toRecord();
    } finally {
      this.checking = false;
    }
  }
}
