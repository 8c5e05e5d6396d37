/** Writes `each` pictures of each class below `folder` and answers the path of one more, which none of them is. */
export function writeShapes(folder: string, each?: number): Promise<string>;
