// Conversations: they can be looked at. Learning from them is another kind of training, which is not there yet.
import { AppError } from "../../../ipc/error.ts";
import { inspectChats } from "../../data/text/chats.ts";
import type { Kind } from "./kind.ts";

const later = (data: string): never => {
  throw new AppError(
    "formatUnknown",
    `'${data}' holds conversations; training on them is not there yet.`,
    "Choose a table or a folder of texts.",
    {
      file: data,
    },
  );
};

export const chats: Kind = {
  inspect: (file, { signal }) => inspectChats(file, signal),
  plan: ({ data }) => Promise.resolve().then(() => later(data)),
  prepare: ({ record }) => Promise.resolve().then(() => later(record.spec.data)),
};
