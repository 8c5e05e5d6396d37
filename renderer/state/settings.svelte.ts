// What the user chose for the whole app, and what follows from it and from the system: the language and the theme in force.
import { defaultSettings, type HostApi, type Settings as SettingsRecord } from "../../ipc/host.ts";
import type { Dispose } from "../../ipc/port.ts";
import type { Page } from "../api.ts";
import { type Language, pickLanguage } from "../words/index.ts";
import { say, tongue } from "./words.svelte.ts";

export class Settings {
  record: SettingsRecord = $state.raw(defaultSettings);
  /** What the system wishes, for "auto". */
  #wishes: readonly string[] = $state.raw([]);
  #dark = $state(false);
  language: Language = $derived(this.record.language === "auto" ? pickLanguage(this.#wishes) : this.record.language);
  theme: "light" | "dark" = $derived(this.record.theme === "auto" ? (this.#dark ? "dark" : "light") : this.record.theme);
  #call: HostApi;
  #page: Page;
  #changes = 0;

  constructor(call: HostApi, page: Page) {
    this.#call = call;
    this.#page = page;
    this.#look();
  }

  async load(): Promise<void> {
    const changes = this.#changes;
    const record = await this.#call.settings();
    // What the user chose while we asked is newer than the answer.
    if (changes === this.#changes) this.take(record);
  }

  /** What the host has; also told when another window changed it. */
  take(record: SettingsRecord): void {
    this.record = record;
    this.#dress();
  }

  /** Shown at once, then kept by the host; the old value comes back when that fails. */
  async change(input: Partial<Omit<SettingsRecord, "version">>): Promise<void> {
    const before = this.record;
    const change = ++this.#changes;
    this.take({ ...before, ...input });
    try {
      const kept = await this.#call.changeSettings(input);
      if (change === this.#changes) this.take(kept);
    } catch (thrown) {
      if (change === this.#changes) this.take(before);
      throw thrown;
    }
  }

  /** Follows the system until the answer is called. */
  follow(): Dispose {
    const look = () => this.#look();
    const offs = [this.#page.onLanguages(look), this.#page.onDark(look)];
    return () => {
      for (const off of offs) off();
    };
  }

  #look(): void {
    this.#wishes = this.#page.languages();
    this.#dark = this.#page.dark();
    this.#dress();
  }

  #dress(): void {
    tongue.now = this.language;
    this.#page.dress({ language: this.language, theme: this.theme, title: `Paddock · ${say.shell.screens.home}` });
  }
}
