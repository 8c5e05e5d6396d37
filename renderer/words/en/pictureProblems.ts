import type { PictureProblemDictionary } from "../say.ts";

/** The host says these in English itself. */
export const pictureProblems: PictureProblemDictionary = {
  pictureInvalid: {},
  pictureUnreadable: {},
  pictureTooLarge: {},
  pictureSkipped: {},
  pictureWithoutClass: {},
  labelWithoutPicture: {},
  otherFiles: {},
  duplicatePictures: {},
  duplicateAcrossClasses: {},
  nearDuplicates: {},
  nearDuplicateAcrossClasses: {},
  rareClasses: {},
  unevenClasses: {},
  oneClass: {},
  noClasses: {},
  moreProblems: {},
};
