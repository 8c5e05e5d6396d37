/** Milliseconds that text of an answer may wait: about as long as nobody sees. */
const wait = 25;

/**
 * Text of an answer on its way to another process: the first of it at once, the rest gathered, as a message a token costs a small model a
 * fifth of its speed.
 */
export function tellText(send: (text: string) => void): { onText: (text: string) => void; end: () => void } {
  let held = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  let begun = false;
  const end = () => {
    clearTimeout(timer);
    timer = undefined;
    const text = held;
    held = "";
    if (text) send(text);
  };
  const onText = (text: string) => {
    held += text;
    if (begun) timer ??= setTimeout(end, wait);
    else if (text) {
      begun = true;
      end();
    }
  };
  return { onText, end };
}
