// Trains on sets of texts and prints each network beside scikit-learn's TF-IDF + logistic regression (or ridge) on the same rows:
// node bench/texts.mjs [FILE[:TARGET]…] [--models ngrams,transformer] [--spec JSON] [--seeds 1,2] [--peer none]. Wants the shared data, and (for the
// peer) a Python with scikit-learn.
import { fileURLToPath, pathToFileURL } from "node:url";
import { bundle } from "../scripts/bundle.mjs";

await import(pathToFileURL(await bundle(fileURLToPath(new URL("texts.ts", import.meta.url)))).href);
