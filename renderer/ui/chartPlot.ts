// uPlot's options for Chart.svelte, and the marks drawn over it. Colours come as functions of a palette that is read again
// when the theme changes, so a redraw is enough; nothing here injects a stylesheet, so a strict CSP holds.
import type uPlot from "uplot";
import { type ChartMark, type ChartSeries, namedMarks, numberText, powersOfTen, rangeX, rangeY } from "./chart.ts";

/** The colours in force, resolved to what a canvas takes. */
export interface Palette {
  text: string;
  grid: string;
  surface: string;
  best: string;
  font: string;
  series: string[];
}

/** Reads custom properties and colours as the browser resolves them for this element (light-dark(), color-mix() and var() included). */
export function readPalette(element: HTMLElement, series: readonly ChartSeries[]): Palette {
  const probe = document.createElement("span");
  probe.hidden = true;
  element.append(probe);
  const read = (color: string) => {
    probe.style.color = "";
    probe.style.color = color.startsWith("--") ? `var(${color})` : color;
    return getComputedStyle(probe).color || "#888888";
  };
  const palette = {
    text: read("var(--chart-text, var(--text-soft, var(--muted, currentColor)))"),
    grid: read("var(--chart-grid, var(--line, var(--border, #8884)))"),
    surface: read("var(--chart-surface, var(--surface, var(--background, Canvas)))"),
    best: read("var(--chart-best, var(--good, var(--accent, currentColor)))"),
    font: getComputedStyle(element).fontFamily || "system-ui, sans-serif",
    series: series.map((s) => read(s.color)),
  };
  probe.remove();
  return palette;
}

/** Values as uPlot takes them: finite numbers; on a logarithmic axis only positive ones; the rest are gaps. */
export function plotData(x: readonly number[], series: readonly ChartSeries[], logY: boolean): uPlot.AlignedData {
  const clean = (value: number | null | undefined) =>
    value === null || value === undefined || !Number.isFinite(value) || (logY && value <= 0) ? null : value;
  return [[...x], ...series.map((s) => x.map((_, i) => clean(s.values[i])))];
}

export interface PlotInput {
  width: number;
  height: number;
  series: readonly ChartSeries[];
  logY: boolean;
  palette: () => Palette;
  marks: () => readonly ChartMark[];
  /** The index under the pointer, or null. */
  onPoint(index: number | null): void;
}

export function plotOptions({ width, height, series, logY, palette, marks, onPoint }: PlotInput): uPlot.Options {
  const font = () => `12px ${palette().font}`;
  const axis = (): uPlot.Axis => ({
    stroke: () => palette().text,
    font: font(),
    grid: { stroke: () => palette().grid, width: 1 },
    ticks: { show: false },
    gap: 6,
  });
  return {
    width,
    height,
    padding: [marks().length ? 20 : 8, 24, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    scales: {
      // uPlot widens a single point to a hundred; the data's own ends are the range.
      x: { time: false, range: (u) => rangeX(u.data[0]?.[0] ?? null, u.data[0]?.at(-1) ?? null) },
      y: { distr: logY ? 3 : 1, range: (_, min, max) => rangeY(min, max, logY) },
    },
    axes: [
      {
        ...axis(),
        grid: { show: false },
        size: 26,
        space: 70,
        values: (_, ticks) => ticks.map((t) => (Number.isInteger(t) ? numberText(t) : "")),
      },
      {
        ...axis(),
        space: 34,
        ...(logY
          ? {
              splits: (u: uPlot, _: number, min: number, max: number) => powersOfTen(min, max, u.height / 34),
              filter: (_: uPlot, ticks: number[]) => ticks,
            }
          : {}),
        size: (_, texts) => 14 + 7 * Math.max(1, ...(texts ?? []).map((text) => String(text ?? "").length)),
        values: (_, ticks) => ticks.map((t) => (t === null ? "" : numberText(t, 3))),
      },
    ],
    series: [
      {},
      ...series.map((s, i): uPlot.Series => ({
        label: s.label,
        stroke: () => palette().series[i] ?? palette().text,
        width: 1.75,
        spanGaps: true,
        ...(s.dashed ? { dash: [5, 4] } : {}),
        points: { show: (u) => (u.data[i + 1] ?? []).filter((v) => v !== null).length === 1, size: 6 },
      })),
    ],
    hooks: {
      draw: [(u) => drawMarks(u, marks(), palette())],
      setCursor: [(u) => onPoint(u.cursor.idx ?? null)],
    },
  };
}

/** A hairline at each mark, its sign on top, and its name where there is room. */
function drawMarks(u: uPlot, marks: readonly ChartMark[], palette: Palette): void {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio || 1;
  const [low, high] = [u.scales["x"]?.min ?? 0, u.scales["x"]?.max ?? 0];
  const seen = marks.filter((m) => m.x >= low && m.x <= high);
  if (!seen.length) return;
  ctx.save();
  ctx.font = `${11 * ratio}px ${palette.font}`;
  ctx.textBaseline = "bottom";
  const lefts = seen.map((m) => u.valToPos(m.x, "x", true));
  const widths = seen.map((m) => ctx.measureText(m.label).width + 10 * ratio);
  const named = namedMarks(
    seen.map((m, i) => ({ left: lefts[i]! - bbox.left, width: widths[i]!, kind: m.kind })),
    bbox.width,
  );
  seen.forEach((mark, i) => {
    const left = Math.round(lefts[i]!) + 0.5;
    const color = mark.kind === "best" ? palette.best : palette.text;
    ctx.strokeStyle = ctx.fillStyle = color;
    ctx.globalAlpha = mark.kind === "best" ? 1 : 0.55;
    ctx.lineWidth = ratio;
    ctx.setLineDash(mark.kind === "best" ? [] : [2 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(left, bbox.top);
    ctx.lineTo(left, bbox.top + bbox.height);
    ctx.stroke();
    sign(ctx, mark.kind, left, bbox.top, 4 * ratio);
    if (!named[i]) return;
    ctx.globalAlpha = 1;
    const half = widths[i]! / 2;
    const middle = Math.min(Math.max(left, bbox.left + half), bbox.left + bbox.width - half);
    ctx.textAlign = "center";
    ctx.fillText(mark.label, middle, bbox.top - 5 * ratio);
  });
  ctx.restore();
}

/** best: a diamond; checkpoint: a dot; shrunk: a triangle pointing down. */
function sign(ctx: CanvasRenderingContext2D, kind: ChartMark["kind"], x: number, y: number, r: number): void {
  ctx.beginPath();
  if (kind === "checkpoint") ctx.arc(x, y, r * 0.6, 0, 2 * Math.PI);
  else {
    ctx.moveTo(x - r, kind === "best" ? y : y - r);
    if (kind === "best") ctx.lineTo(x, y - r);
    ctx.lineTo(x + r, kind === "best" ? y : y - r);
    ctx.lineTo(x, y + r);
    ctx.closePath();
  }
  ctx.fill();
}
