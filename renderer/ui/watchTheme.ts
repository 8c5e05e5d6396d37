// A canvas does not follow the stylesheet by itself: whoever paints one asks here to be told when its colours change.

/** Calls `repaint` whenever the document's theme changes; answers how to stop. */
export function watchTheme(repaint: () => void): () => void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", repaint);
  const root = new MutationObserver(repaint);
  root.observe(document.documentElement, { attributes: true, attributeFilter: ["class", "data-theme", "style"] });
  return () => {
    dark.removeEventListener("change", repaint);
    root.disconnect();
  };
}
