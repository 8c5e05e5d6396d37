// The tables of the bench: where each lies in the shared data, and what is learned from it.

export interface Entry {
  file: string;
  target: string;
  ignore?: string[];
}

/** Targets as a person would choose them; columns that give the answer away are left out. */
export const tables: Record<string, Entry> = {
  wine: { file: "sklearn_wine/wine.csv", target: "target" },
  tips: { file: "tips/tips.csv", target: "tip" },
  penguins: { file: "penguins/penguins.csv", target: "species" },
  mpg: { file: "mpg/mpg.csv", target: "mpg" },
  diabetes: { file: "sklearn_diabetes/diabetes.csv", target: "target" },
  boston: { file: "boston_housing/BostonHousing.csv", target: "medv" },
  cancer: { file: "sklearn_breast_cancer/breast_cancer.csv", target: "target" },
  pima: { file: "pima_diabetes/pima-indians-diabetes.csv", target: "column9" },
  titanic: { file: "titanic/titanic.csv", target: "survived", ignore: ["alive"] },
  german: { file: "german_credit/GermanCredit.csv", target: "credit_risk" },
  red: { file: "wine_quality/winequality-red.csv", target: "column12" },
  digits: { file: "sklearn_digits/digits.csv", target: "target" },
  bikeDay: { file: "bike_sharing/day.csv", target: "cnt", ignore: ["casual", "registered"] },
  temperature: { file: "ts_daily_min_temp/daily-min-temperatures.csv", target: "Temp" },
  flights: { file: "flights/flights.csv", target: "passengers" },
  abalone: { file: "abalone/abalone.csv", target: "column9" },
  white: { file: "wine_quality/winequality-white.csv", target: "column12" },
  churn: { file: "telco_churn/Telco-Customer-Churn.csv", target: "Churn" },
  bikeHour: { file: "bike_sharing/hour.csv", target: "cnt", ignore: ["casual", "registered"] },
  letters: { file: "letter_recognition/LetterRecognition.csv", target: "lettr" },
  california: { file: "california_housing/housing.csv", target: "median_house_value" },
  adult: { file: "adult_income/adult-train.csv", target: "column15" },
  diamonds: { file: "diamonds/diamonds.csv", target: "price" },
};
