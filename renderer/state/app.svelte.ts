// The whole app: the line to the host, where the user is, what the host said last, and what is being taken in.
import { createContext } from "svelte";
import { AppError } from "../../ipc/error.ts";
import type { AppInfo, Handout, HostApi, Serving, Status } from "../../ipc/host.ts";
import type { Device } from "../../ipc/types.ts";
import type { Dispose } from "../../ipc/port.ts";
import type { Door, Page } from "../api.ts";
import type { Link, LinkState } from "../link.ts";
import { type Dropped, isFolder } from "./dropped.ts";
import type { Ground } from "./ground.ts";
import { Imported } from "./imported.svelte.ts";
import { Intake } from "./intake.svelte.ts";
import { Project } from "./project.svelte.ts";
import { Projects } from "./projects.svelte.ts";
import { readRoute, type Route, writeRoute } from "./route.ts";
import { Settings } from "./settings.svelte.ts";
import { Talk } from "./talk.svelte.ts";
import { Toasts } from "./toasts.svelte.ts";
import { isUpdate, Update } from "./update.svelte.ts";
import { say } from "./words.svelte.ts";

export class App implements Ground {
  readonly link: Link;
  readonly door: Door;
  readonly page: Page;
  readonly settings: Settings;
  readonly projects: Projects;
  readonly imported: Imported;
  readonly intake: Intake;
  readonly update: Update;
  readonly toasts = new Toasts();

  connection: LinkState = $state("connecting");
  info: AppInfo | undefined = $state.raw();
  status: Status | undefined = $state.raw();
  devices: Device[] | undefined = $state.raw();
  serving: Serving | undefined = $state.raw();
  /** The conversation on the stage, and those that are kept. */
  readonly talk: Talk;
  route: Route = $state.raw({ screen: "home" });
  settingsOpen = $state(false);
  /** The project on the stage; there is one at a time. */
  project: Project | undefined = $state.raw();
  #offs: Dispose[] = [];

  constructor(link: Link, door: Door, page: Page) {
    this.link = link;
    this.door = door;
    this.page = page;
    this.settings = new Settings(this.call, page);
    this.projects = new Projects(this);
    this.imported = new Imported(this);
    this.talk = new Talk(this);
    this.update = new Update(this);
    this.intake = new Intake(this, this.projects, this.imported);
    this.route = readRoute(page.hash());
  }

  get call(): HostApi {
    return this.link.call;
  }

  /** Listens and loads; answers how to end it. */
  start(): Dispose {
    this.#offs = [
      this.link.onState((state) => {
        this.connection = state;
        if (state === "open") void this.load();
      }),
      this.link.listen("status", (status) => (this.status = status)),
      this.link.listen("settingsChanged", (settings) => this.settings.take(settings)),
      this.link.listen("projectsChanged", ({ ids }) => {
        void this.projects.load();
        if (this.project && ids.includes(this.project.id)) void this.project.reload();
      }),
      this.link.listen("run", ({ project, run, progress }) => {
        if (project === this.project?.id) this.project.onProgress(run, progress);
      }),
      this.link.listen("points", ({ project, run, points }) => {
        if (project === this.project?.id) this.project.onPoints(run, points);
      }),
      this.link.listen("sample", ({ project, run, sample }) => {
        if (project === this.project?.id) this.project.onSample(run, sample);
      }),
      this.link.listen("token", ({ id, text }) => {
        this.project?.trial?.writing?.onToken(id, text);
        this.talk.onToken(id, text);
      }),
      this.link.listen("servingChanged", (serving) => (this.serving = serving)),
      this.link.listen("runChanged", ({ project, run }) => {
        if (project === this.project?.id) this.project.onRunChanged(run);
        void this.projects.load();
      }),
      this.link.listen("working", (working) => {
        this.intake.onWorking(working);
        this.project?.shown?.onWorking(working);
      }),
      this.link.listen("modelsChanged", () => void this.imported.load()),
      this.page.onHash(() => this.#follow(readRoute(this.page.hash()))),
      this.settings.follow(),
    ];
    if (this.link.state === "open") void this.load();
    this.#follow(this.route);
    return () => {
      for (const off of this.#offs.splice(0)) off();
      this.project?.dispose();
      this.talk.stop();
      this.toasts.clear();
    };
  }

  /** Asks for everything again; also after the connection came back. */
  async load(): Promise<void> {
    await this.attempt(async () => {
      const [info, status, serving] = await Promise.all([this.call.app(), this.call.status(), this.call.serving(), this.settings.load()]);
      this.serving = serving;
      this.info = info;
      this.status = status;
      this.connection = "open";
    });
    await Promise.all([this.projects.load(), this.imported.load(), this.project?.reload()]);
  }

  async loadDevices(again = false): Promise<void> {
    await this.attempt(async () => (this.devices = await this.call.devices({ again })));
  }

  goto(route: Route): void {
    const hash = writeRoute(route);
    if (this.page.hash() === hash) this.#follow(route);
    else this.page.goto(hash);
  }

  #follow(route: Route): void {
    this.route = route;
    if (route.screen === "chat") void this.talk.show(route.id, route.model);
    if (route.screen !== "project") {
      this.project?.dispose();
      this.project = undefined;
      return;
    }
    if (this.project?.id !== route.id) {
      this.project?.dispose();
      this.project = new Project(this, route.id, route.run);
      void this.project.load();
    } else if (route.run) {
      void this.project.show(route.run);
    }
    if (route.section) this.project.wantSection(route.section);
  }

  /** What was dropped or chosen: data and models are taken in; an update is checked, where the settings say what came of it. */
  async takeFiles(files: readonly Dropped[]): Promise<void> {
    const [file] = files;
    if (!file || isFolder(file) || !isUpdate(file.name)) return this.intake.takeFiles(files);
    this.settingsOpen = true;
    await this.update.check(file);
  }

  /** Hands a file to the user and says so. */
  async save(handout: Handout): Promise<void> {
    await this.attempt(async () => {
      if (await this.door.save(handout)) this.toasts.add(say.result.saved(handout.name));
    });
  }

  /** Does something whose failure needs no more than a note; answers undefined then. */
  async attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (thrown) {
      const error = AppError.from(thrown).toRecord();
      // The banner says this already.
      if (error.code !== "connectionLost" && error.code !== "cancelled") this.toasts.addError(error);
      return undefined;
    }
  }
}

export const [getApp, setApp] = createContext<App>();
