// Many files as one: a tar archive whose parts stay where they are until they are read, so that a folder of any size travels as one
// upload and takes no memory. The pax interchange format, https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html

export interface TarFile {
  /** Path in the archive, its parts between "/". */
  path: string;
  file: Blob;
}

const block = 512;
/** What eleven octal digits can say. */
const mostBytes = 8 ** 11 - 1;
const text = new TextEncoder();

/** An archive of these files, in this order. Its bytes are read from the files when it is read. */
export function tarOf(name: string, files: readonly TarFile[]): File {
  const parts: BlobPart[] = [];
  for (const { path, file } of files) {
    const bytes = text.encode(path);
    const records: [string, string][] = [];
    if (bytes.length > 100 || bytes.length !== path.length) records.push(["path", path]);
    if (file.size > mostBytes) records.push(["size", String(file.size)]);
    if (records.length) {
      const more = text.encode(records.map(record).join(""));
      parts.push(header("x", "PaxHeader", more.length), more, padding(more.length));
    }
    parts.push(header("0", path, file.size), file, padding(file.size));
  }
  parts.push(new Uint8Array(2 * block));
  return new File(parts, name, { type: "application/x-tar" });
}

/** "30 path=…\n": the length counts itself. */
function record([key, value]: readonly [string, string]): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = text.encode(rest).length;
  let length = bytes + 1;
  while (length !== bytes + String(length).length) length = bytes + String(length).length;
  return `${length}${rest}`;
}

const padding = (size: number) => new Uint8Array((block - (size % block)) % block);

function header(type: "0" | "x", path: string, size: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(block);
  const put = (at: number, value: string, limit: number) => out.set(text.encode(value).subarray(0, limit), at);
  const octal = (at: number, value: number, digits: number) => put(at, value.toString(8).padStart(digits, "0"), digits);
  put(0, path, 100);
  octal(100, 0o644, 7);
  octal(108, 0, 7);
  octal(116, 0, 7);
  octal(124, Math.min(size, mostBytes), 11);
  octal(136, 0, 11);
  out.fill(0x20, 148, 156); // the sum is taken as if it were blank
  put(156, type, 1);
  put(257, "ustar\u000000", 8);
  const sum = out.reduce((total, byte) => total + byte, 0);
  octal(148, sum, 6);
  out[154] = 0;
  return out;
}
