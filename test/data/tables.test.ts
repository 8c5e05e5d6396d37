// Every table beside the checkout: its rows, types and target as a person would say them; then its split and its encoded rows.
import { afterAll, describe, expect, test } from "vitest";
import { batches } from "../../worker/data/batches.ts";
import { encodeTable } from "../../worker/data/encode.ts";
import { fitEncoding } from "../../worker/data/encoding.ts";
import { shared } from "../shared.ts";
import { withTable, workplace } from "./open.ts";

const place = workplace();
afterAll(() => place.remove());

// file, rows, header, target, task, columns left out, types by letter (number, category, date)
const tables: [string, number, boolean, string, string, string[], string][] = [
  ["abalone/abalone.csv", 4177, false, "column9", "regression", [], "cnnnnnnnn"],
  ["adult_income/adult-test.csv", 16281, false, "column15", "classification", [], "ncncnccccc" + "nnncc"],
  ["bike_sharing/day.csv", 731, true, "cnt", "regression", ["instant"], "nd" + "n".repeat(14)],
  ["bike_sharing/hour.csv", 17379, true, "cnt", "regression", ["instant"], "nd" + "n".repeat(15)],
  ["boston_housing/BostonHousing.csv", 506, true, "medv", "regression", [], "n".repeat(14)],
  ["california_housing/housing.csv", 20640, true, "median_house_value", "regression", [], "nnnnnnnnnc"],
  ["diamonds/diamonds.csv", 53940, true, "price", "regression", [], "ncccnnnnnn"],
  ["flights/flights.csv", 144, true, "passengers", "regression", [], "ncn"],
  ["german_credit/GermanCredit.csv", 1000, true, "credit_risk", "classification", [], "cnccncc" + "nccncncc" + "ncncc" + "n"],
  ["letter_recognition/LetterRecognition.csv", 20000, true, "lettr", "classification", [], "c" + "n".repeat(16)],
  ["mpg/mpg.csv", 398, true, "mpg", "regression", [], "nnnnnnncc"],
  ["penguins/penguins.csv", 344, true, "species", "classification", [], "ccnnnnc"],
  ["pima_diabetes/pima-indians-diabetes.csv", 768, false, "column9", "classification", [], "n".repeat(9)],
  ["sklearn_breast_cancer/breast_cancer.csv", 569, true, "target", "classification", [], "n".repeat(31)],
  ["sklearn_diabetes/diabetes.csv", 442, true, "target", "regression", [], "n".repeat(11)],
  ["sklearn_digits/digits.csv", 1797, true, "target", "classification", ["pixel_0_0", "pixel_4_0", "pixel_4_7"], "n".repeat(65)],
  ["sklearn_wine/wine.csv", 178, true, "target", "classification", [], "n".repeat(14)],
  ["telco_churn/Telco-Customer-Churn.csv", 7043, true, "Churn", "classification", ["customerID"], "ccnccnccccccccccccnnc"],
  ["tips/tips.csv", 244, true, "tip", "regression", [], "nnccccn"],
  ["titanic/titanic.csv", 891, true, "survived", "classification", [], "nncnnnncccccccc"],
  ["ts_daily_min_temp/daily-min-temperatures.csv", 3650, true, "Temp", "regression", [], "dn"],
  ["wine_quality/winequality-red.csv", 1599, false, "column12", "classification", [], "n".repeat(12)],
  ["wine_quality/winequality-white.csv", 4898, false, "column12", "classification", [], "n".repeat(12)],
];

describe.skipIf(!shared("data/tables"))("tables", () => {
  test.each(tables)("%s", async (file, rows, header, target, task, ignored, types) => {
    await withTable(shared(`data/tables/${file}`)!, place.cache, async (table) => {
      const { profile } = table;
      expect(profile).toMatchObject({ rows, dialect: { header, delimiter: "," }, target: { column: target, task } });
      expect(profile.columns.flatMap((column) => (column.ignored ? [column.name] : []))).toEqual(ignored);
      expect(profile.columns.map((column) => column.type[0]).join("")).toBe(types);
      const split = { seed: 7, split: true };
      const encoding = await fitEncoding(table, { target, task: profile.target!.task, split });
      const encoded = await encodeTable(table, encoding, { split, scratch: place.folder });
      const missing = profile.columns.find((column) => column.name === target)!.missing;
      expect(encoded.train.rows + encoded.validation.rows + encoded.test.rows).toBe(rows - missing);
      expect(encoded.train.rows / rows).toBeGreaterThan(0.7);
      const first = await encoded.train.read([...batches(encoded.train.rows, 64, { seed: 1, epoch: 0, shuffle: true })][0]!);
      expect(first.x.data.every(Number.isFinite)).toBe(true);
      expect(first.x.dims).toEqual([64, encoding.numeric]);
      await encoded.close();
    });
  });

  test("the answer in other words is told", async () => {
    await withTable(shared("data/tables/titanic/titanic.csv")!, place.cache, ({ profile }) => {
      expect(profile.problems.flatMap(({ code, column }) => (code === "answerColumn" ? [column] : []))).toEqual(["alive"]);
    });
    await withTable(shared("data/tables/bike_sharing/day.csv")!, place.cache, ({ profile }) => {
      expect(profile.problems.flatMap(({ code, column }) => (code === "answerColumn" ? [column] : []))).toEqual(["casual", "registered"]);
    });
  });
});
