// Pictures: what was found in a folder or an archive of them.
import type { Taken } from "./kinds.ts";

/** Something a person should know about the pictures; broken ones are told here and left out. */
export interface PictureProblem {
  code:
    | "pictureInvalid"
    | "pictureUnreadable"
    | "pictureTooLarge"
    | "pictureSkipped"
    | "pictureWithoutClass"
    | "labelWithoutPicture"
    | "otherFiles"
    | "duplicatePictures"
    | "duplicateAcrossClasses"
    | "nearDuplicates"
    | "nearDuplicateAcrossClasses"
    | "rareClasses"
    | "unevenClasses"
    | "oneClass"
    | "noClasses"
    | "moreProblems";
  /** Path within the folder or archive, where there is one picture to look at. */
  file?: string;
  /** The pictures that it is about, a few of them. */
  files?: string[];
  data: Record<string, string | number>;
  message: string;
  hint: string;
}

export interface PictureSizes {
  least: [width: number, height: number];
  median: [width: number, height: number];
  most: [width: number, height: number];
}

export interface ImagesProfile extends Taken {
  kind: "images";
  /** Name of the folder or archive, without its own folder. */
  file: string;
  /** Bytes of the pictures. */
  bytes: number;
  /** Pictures that can be used; where there are classes, those that have one. */
  rows: number;
  /** In the order of their names; empty where nothing says what the pictures show. */
  classes: { name: string; count: number }[];
  /** Where the classes come from, and the sentence that says why. */
  layout: "folders" | "labels" | "flat";
  reason: string;
  problems: PictureProblem[];
  sizes: PictureSizes | null;
  formats: Record<string, number>;
  /** sha-256 over the contents of the pictures and their classes, hexadecimal: the same wherever they lie. */
  fingerprint: string;
}

/** A picture of a set: its path within the folder or archive, its class where there is one, its size as shown. */
export interface PictureEntry {
  name: string;
  class: string | null;
  width: number;
  height: number;
}

/** In which range a network expects the numbers of a picture; imagenet: 0..1, then less the mean and by the deviation of ImageNet's channels. */
export type PixelRange = "0..1" | "-1..1" | "0..255" | "imagenet";

/** How a run shows pictures to its network. */
export interface PictureSetup {
  /** Side of the square that every picture is drawn into. */
  size: number;
  /** How pictures are varied while learning; a sentence. Absent where a head alone learns. */
  augmentation?: string;
  /** The imported network whose features are learned from. */
  backbone?: {
    file: string;
    sha: string;
    features: number;
    /** Which of its weights learn too: those of its last blocks, or all. Absent: none. */
    tuned?: "last" | "full";
    pixels: PixelRange;
    /** Where the range comes from: it was asked for, the file says so, or it gave the best answers of those tried. */
    chosen: "asked" | "file" | "tried";
    /** What each range tried gave on a sample held out. */
    trials?: { pixels: PixelRange; accuracy: number; logLoss: number }[];
  };
}
