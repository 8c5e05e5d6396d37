// All words of the app, by language and section. English is the shape: a section in another language `satisfies` it, so a missing or
// stray entry does not compile. A new section is one file in each language and its line here.
import { adjust } from "./en/adjust.ts";
import { chat } from "./en/chat.ts";
import { corrections } from "./en/corrections.ts";
import { data } from "./en/data.ts";
import { errors } from "./en/errors.ts";
import { home } from "./en/home.ts";
import { judged } from "./en/judged.ts";
import { language } from "./en/language.ts";
import { learn } from "./en/learn.ts";
import { memory } from "./en/memory.ts";
import { metrics } from "./en/metrics.ts";
import { models } from "./en/models.ts";
import { pictureProblems } from "./en/pictureProblems.ts";
import { pictures } from "./en/pictures.ts";
import { problems } from "./en/problems.ts";
import { projects } from "./en/projects.ts";
import { ratings } from "./en/ratings.ts";
import { referee } from "./en/referee.ts";
import { result } from "./en/result.ts";
import { settings } from "./en/settings.ts";
import { shell } from "./en/shell.ts";
import { takeAway } from "./en/takeAway.ts";
import { shelf } from "./en/shelf.ts";
import { train } from "./en/train.ts";
import { tryout } from "./en/tryout.ts";
import { tune } from "./en/tune.ts";
import type { Language } from "./format.ts";
import { adjust as adjustZh } from "./zh/adjust.ts";
import { chat as chatZh } from "./zh/chat.ts";
import { corrections as correctionsZh } from "./zh/corrections.ts";
import { data as dataZh } from "./zh/data.ts";
import { errors as errorsZh } from "./zh/errors.ts";
import { home as homeZh } from "./zh/home.ts";
import { judged as judgedZh } from "./zh/judged.ts";
import { language as languageZh } from "./zh/language.ts";
import { learn as learnZh } from "./zh/learn.ts";
import { memory as memoryZh } from "./zh/memory.ts";
import { metrics as metricsZh } from "./zh/metrics.ts";
import { models as modelsZh } from "./zh/models.ts";
import { pictureProblems as pictureProblemsZh } from "./zh/pictureProblems.ts";
import { pictures as picturesZh } from "./zh/pictures.ts";
import { problems as problemsZh } from "./zh/problems.ts";
import { projects as projectsZh } from "./zh/projects.ts";
import { ratings as ratingsZh } from "./zh/ratings.ts";
import { referee as refereeZh } from "./zh/referee.ts";
import { result as resultZh } from "./zh/result.ts";
import { settings as settingsZh } from "./zh/settings.ts";
import { shell as shellZh } from "./zh/shell.ts";
import { takeAway as takeAwayZh } from "./zh/takeAway.ts";
import { shelf as shelfZh } from "./zh/shelf.ts";
import { train as trainZh } from "./zh/train.ts";
import { tryout as tryoutZh } from "./zh/tryout.ts";
import { tune as tuneZh } from "./zh/tune.ts";

export { formats, type Formats, type Language, languages } from "./format.ts";

const english = {
  adjust,
  chat,
  corrections,
  data,
  errors,
  home,
  judged,
  language,
  learn,
  memory,
  metrics,
  models,
  pictureProblems,
  pictures,
  problems,
  projects,
  ratings,
  referee,
  result,
  settings,
  shell,
  takeAway,
  shelf,
  train,
  tryout,
  tune,
};

export type Words = typeof english;

const chinese: Words = {
  adjust: adjustZh,
  chat: chatZh,
  corrections: correctionsZh,
  data: dataZh,
  errors: errorsZh,
  home: homeZh,
  judged: judgedZh,
  language: languageZh,
  learn: learnZh,
  memory: memoryZh,
  metrics: metricsZh,
  models: modelsZh,
  pictureProblems: pictureProblemsZh,
  pictures: picturesZh,
  problems: problemsZh,
  projects: projectsZh,
  ratings: ratingsZh,
  referee: refereeZh,
  result: resultZh,
  settings: settingsZh,
  shell: shellZh,
  takeAway: takeAwayZh,
  shelf: shelfZh,
  train: trainZh,
  tryout: tryoutZh,
  tune: tuneZh,
};

export const dictionaries: Record<Language, Words> = { en: english, zh: chinese };

/** The app's language for the system's wishes, best first. */
export function pickLanguage(wishes: readonly string[]): Language {
  for (const wish of wishes) {
    if (/^zh\b/i.test(wish)) return "zh";
    if (/^en\b/i.test(wish)) return "en";
  }
  return "en";
}
