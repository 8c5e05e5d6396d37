// The entry: opens the door this page came through and puts the app into the page.
import { mount } from "svelte";
import { findDoor, page } from "./api.ts";
import App from "./App.svelte";
import { Link } from "./link.ts";
import { App as AppState } from "./state/app.svelte.ts";
import "./ui/theme.css";

const door = findDoor();
const app = new AppState(new Link(() => door.open()), door, page);
mount(App, { target: document.getElementById("app")!, props: { app } });
