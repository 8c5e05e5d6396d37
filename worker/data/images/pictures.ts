// A folder or archive of pictures, gone through once: what is broken, which class each is of, how large they are, which are there twice. The
// findings are kept in the cache under what the files are (their names, sizes and times), so that a second look costs a listing.
import { createHash } from "node:crypto";
import { availableParallelism } from "node:os";
import { basename } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import type { ImagesProfile, PictureProblem } from "../../../ipc/types.ts";
import { decodePicture, type PictureFormat } from "./decode.ts";
import { sketchSize } from "./duplicates.ts";
import type { Entry } from "./entry.ts";
import { inOrder } from "./inOrder.ts";
import { maybePicture } from "./layout.ts";
import { keptFindings, keepFindings } from "./findings.ts";
import { openSource, type Source } from "./source.ts";
import { profileOf } from "./profile.ts";
import { type Survey, survey } from "./survey.ts";

/** A picture that can be learned from. */
export interface Picture {
  /** Path within the folder or archive. */
  name: string;
  /** Place in the profile's classes; -1 where there are no classes. */
  label: number;
  /** sha-256 of the file's bytes, hexadecimal. */
  sha: string;
  width: number;
  height: number;
  format: PictureFormat;
}

export interface Pictures {
  source: Source;
  profile: ImagesProfile;
  /** In the order of their names. */
  pictures: Picture[];
}

/** What was seen of one picture, before classes are dealt out. */
export interface Seen extends Omit<Picture, "label"> {
  bytes: number;
  sketch: Uint8Array;
}

export interface OpenPictures {
  cache: string;
  /** Column of the labels table to take. */
  target?: string | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((what: "reading", fraction: number | null) => void) | undefined;
}

/** Pictures decoded at once: the processors kept busy, and some files being read. */
export const atOnce = availableParallelism() + 2;

/**
 * Reads every picture. Broken ones are problems of the profile, not failures.
 * @throws fileMissing, formatUnknown, archiveInvalid, archiveUnsafe, archiveTooLarge, picturesMissing when none can be used
 */
export async function openPictures(path: string, options: OpenPictures): Promise<Pictures> {
  const source = await openSource(path);
  const found = await survey(source, options);
  const known = await keptFindings(options.cache, found.stamp);
  if (known) return { source, ...known };
  const { seen, problems } = await look(source, found, options);
  if (seen.length === 0) throw noneUsable(path, found, problems);
  const { profile, pictures } = profileOf({ file: basename(path), found, seen, problems, target: options.target });
  await keepFindings(options.cache, found, { profile, pictures });
  return { source, profile, pictures };
}

async function look(source: Source, found: Survey, { signal, onProgress }: OpenPictures) {
  const problems: PictureProblem[] = [...found.problems];
  const seen: Seen[] = [];
  const told = Math.max(1, Math.floor(found.names.length / 1000)); // each telling is a message to another process
  let done = 0;
  for await (const one of inOrder(source.entries({ wanted: maybePicture, signal }), atOnce, (entry) => lookAt(entry, signal))) {
    signal?.throwIfAborted();
    if ("code" in one) problems.push(one);
    else seen.push(one);
    done++;
    if (done % told === 0) onProgress?.("reading", Math.min(1, done / found.names.length));
  }
  seen.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return { seen, problems };
}

async function lookAt(entry: Entry, signal?: AbortSignal): Promise<Seen | PictureProblem> {
  const { name, bytes } = entry;
  try {
    const data = await entry.read();
    const { pixels, width, height, format } = await decodePicture(data, name, sketchSize, signal);
    const sha = createHash("sha256").update(data).digest("hex");
    return { name, bytes, sha, width, height, format, sketch: new Uint8Array(pixels) };
  } catch (thrown) {
    if (signal?.aborted) throw thrown;
    const { code, message, hint } = AppError.from(thrown);
    const kind = code === "fileTooLarge" ? "pictureTooLarge" : code === "pictureInvalid" ? code : "pictureUnreadable";
    return { code: kind, file: name, data: { file: name }, message, hint };
  }
}

function noneUsable(path: string, found: Survey, problems: readonly PictureProblem[]): AppError {
  const first = problems.find((problem) => problem.file !== undefined);
  const why =
    found.names.length === 0 ? "holds no pictures" : `holds ${found.names.length} files that may be pictures, and none can be read`;
  return new AppError(
    "picturesMissing",
    `'${basename(path)}' ${why}.${first ? ` ${first.message}` : ""}`,
    "Choose a folder (or a zip or tar of one) with JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF or SVG files.",
    { file: path, files: found.names.slice(0, 10) },
  );
}
