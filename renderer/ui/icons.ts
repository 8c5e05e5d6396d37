// Paths of the line icons, drawn for a 20 × 20 grid.
export const icons = {
  home: "M3 9.2 10 3.5l7 5.7M4.8 8v8.2h10.4V8M8.2 16.2v-4.4h3.6v4.4",
  projects: "M2.8 5.2h5l1.6 2h7.8v8.6H2.8z",
  models: "M10 2.8 16.5 6.4v7.2L10 17.2l-6.5-3.6V6.4zM3.7 6.5 10 10l6.3-3.5M10 10v7",
  chat: "M3.5 4.5h13v9.2H9.2L5.8 16.8v-3.1H3.5zM6.5 7.6h7M6.5 10.4h4.5",
  learn: "M3 16.5h14M3 16.5V3.5M5.5 13.5 15.5 5.5M7 9.2h.01M10.5 11.5h.01M13.5 5h.01",
  settings: "M3 5.5h7.5M14.5 5.5H17M12.5 3.7v3.6M3 14.5h2.5M9.5 14.5H17M7.5 12.7v3.6M3 10h9.5M16.5 10h.5M14.5 8.2v3.6",
  drop: "M10 3v9M6.5 8.7 10 12.2l3.5-3.5M3.5 13.5v3h13v-3",
  play: "M6 4.2v11.6l9.5-5.8z",
  pause: "M7 4.5v11M13 4.5v11",
  stop: "M5 5h10v10H5z",
  close: "M5 5l10 10M15 5 5 15",
  check: "M4 10.5l4 4 8-9",
  info: "M10 9v5M10 6.3h.01M17 10a7 7 0 1 1-14 0 7 7 0 0 1 14 0z",
  care: "M10 3.5 17.5 16.5h-15zM10 8.2v4M10 14.3h.01",
  table: "M3 4h14v12H3zM3 8h14M8 4v12",
  file: "M5 2.8h6.5L15 6.3v10.9H5zM11.5 2.8v3.5H15",
  more: "M5 10h.01M10 10h.01M15 10h.01",
  trash: "M4 5.5h12M8 5.5V3.5h4v2M5.5 5.5l.7 11h7.6l.7-11",
  edit: "M4 16l.7-3.2L13 4.5l2.5 2.5-8.3 8.3zM11.5 6 14 8.5",
  forward: "M7.5 4.5 13 10l-5.5 5.5",
  back: "M12.5 4.5 7 10l5.5 5.5",
} as const satisfies Record<string, string>;

export type IconName = keyof typeof icons;
