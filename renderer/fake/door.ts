// A door and a page that lead nowhere: what was saved and where the app went is kept for a test to look at.
import type { Handout } from "../../ipc/host.ts";
import { Listeners } from "../../ipc/port.ts";
import type { Door, Page } from "../api.ts";
import { Link } from "../link.ts";
import { App } from "../state/app.svelte.ts";
import { FakeHost } from "./host.ts";

export class FakeDoor implements Door {
  readonly kind = "browser";
  readonly saved: Handout[] = [];
  readonly taken: string[] = [];
  readonly open: Door["open"];

  constructor(host: FakeHost) {
    this.open = host.open;
  }

  take: Door["take"] = async (file, onProgress) => {
    onProgress(1);
    this.taken.push(file.name);
    return { kind: "upload", id: file.name };
  };

  save: Door["save"] = async (handout) => {
    this.saved.push(handout);
    return true;
  };
}

export class FakePage implements Page {
  wishes: readonly string[] = ["en"];
  night = false;
  look: Parameters<Page["dress"]>[0] | undefined;
  #hash = "";
  #changes = new Listeners<[]>();

  hash = () => this.#hash;
  goto = (hash: string) => {
    this.#hash = hash;
    this.#changes.tell();
  };
  onHash = (listener: () => void) => this.#changes.add(listener);
  languages = () => this.wishes;
  onLanguages = () => () => undefined;
  dark = () => this.night;
  onDark = () => () => undefined;
  calm = () => true;
  dress: Page["dress"] = (look) => (this.look = look);
}

/** An app over a fake host; `start` it, or mount App.svelte with it. */
export function fakeApp(
  host = new FakeHost(),
  page = new FakePage(),
): { app: App; host: FakeHost; page: FakePage; door: FakeDoor; link: Link } {
  const door = new FakeDoor(host);
  const link = new Link(door.open);
  return { app: new App(link, door, page), host, page, door, link };
}
