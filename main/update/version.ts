// Which version is newer: semantic versions (https://semver.org/#spec-item-11), build metadata left out.

const form = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-([0-9A-Za-z.-]{1,60}))?(?:\+[0-9A-Za-z.-]{1,60})?$/;

export const isVersion = (text: string): boolean => form.test(text);

/** Below 0 where `a` is older than `b`, 0 where they are the same. Throws RangeError for what is no version. */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [a, b].map((text) => {
    const found = form.exec(text);
    if (!found) throw new RangeError(`'${text}' is not a version`);
    return found;
  }) as [RegExpExecArray, RegExpExecArray];
  for (let i = 1; i <= 3; i++) if (Number(x[i]) !== Number(y[i])) return Number(x[i]) - Number(y[i]);
  if (x[4] === undefined || y[4] === undefined) return Number(x[4] === undefined) - Number(y[4] === undefined);
  const [p, q] = [x[4].split("."), y[4].split(".")];
  for (let i = 0; i < Math.max(p.length, q.length); i++) {
    const [m, n] = [p[i], q[i]];
    if (m === undefined || n === undefined) return m === undefined ? -1 : 1;
    if (m === n) continue;
    const numbers = [m, n].map((part) => /^\d+$/.test(part));
    if (numbers[0] && numbers[1]) return Number(m) - Number(n);
    if (numbers[0] !== numbers[1]) return numbers[0] ? -1 : 1;
    return m < n ? -1 : 1;
  }
  return 0;
}
