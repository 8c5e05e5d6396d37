"""scikit-learn on the same rows: what the field's usual models reach on a split that someone else made.

    sklearn.py --train train.csv --test test.csv --target COL --task classification|regression
               [--no-header] [--delimiter ,] [--ignore COL …] [--models mlp,boosting,linear,dummy] [--seed N] [--threads N]

Prints one JSON object: {task, rows, columns, versions, models: {mlp, boosting, linear, dummy: {metrics, seconds} or {error}}}.
Inputs of mlp and linear: numbers are imputed (median, with a missing indicator) and standardised; texts are one-hot encoded, at most
100 values a column, unknown ones ignored. The regression target is standardised for the network, as is usual. boosting is
HistGradientBoosting with its defaults, as its guide advises: missing numbers stay missing, texts are categories (the 254 most frequent of a
column), a text of dates becomes its parts. Without a header, columns are named "0", "1", …
"""

import sys

sys.path.pop(0)  # this file's own folder: it would hide the package of the same name

import argparse
import json
import time
import warnings

import numpy as np
import pandas as pd
import sklearn
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score, log_loss, mean_absolute_error, mean_squared_error, r2_score, roc_auc_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

MISSING = ["", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "?"]


def read(path, args):
    return pd.read_csv(
        path,
        sep=args.delimiter,
        header=None if args.no_header else 0,
        dtype=str,
        keep_default_na=False,
        na_values=[],
        skipinitialspace=True,
    ).rename(columns=str)


def numbers(column):
    """The column as float64 when every value that is there is a number, else None."""
    text = column.str.strip()
    there = ~text.isin(MISSING)
    parsed = pd.to_numeric(text.where(there), errors="coerce")
    return parsed if there.any() and parsed[there].notna().all() else None


def prepare(train, test, args):
    """Both frames with float columns where the train rows are numbers and text ("" is a value) elsewhere; constant columns left out."""
    numeric, texts = [], []
    for name in [c for c in train.columns if c != args.target and c not in args.ignore]:
        parsed = numbers(train[name])
        if parsed is not None:
            train[name] = parsed
            test[name] = pd.to_numeric(test[name].str.strip(), errors="coerce")
            numeric.append(name)
        elif train[name].nunique() > 1:
            texts.append(name)
    return numeric, texts


def inputs(numeric, texts, dense):
    """Preprocessing: the columns as one matrix."""
    return ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()), numeric),
            ("texts", OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=100, sparse_output=not dense), texts),
        ],
        sparse_threshold=0 if dense else 0.3,
    )


PARTS = ["year", "month", "day", "dayofweek", "dayofyear", "hour"]


def dates(column):
    """The column as times when every value that is there is one, else None."""
    there = ~column.str.strip().isin(MISSING)
    if not column[there].str.contains(r"\d\D+\d").all():
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parsed = pd.to_datetime(column.str.strip().where(there), errors="coerce")
    return parsed if there.any() and parsed[there].notna().all() else None


class TreeColumns(TransformerMixin, BaseEstimator):
    """Columns as gradient boosting takes them: float64 with NaN, pandas categories, and the parts of dates."""

    def __init__(self, numeric, texts):
        self.numeric, self.texts = numeric, texts

    def fit(self, x, y=None):
        self.times = [name for name in self.texts if dates(x[name]) is not None]
        self.kept = {name: x[name].str.strip().value_counts().index[:254] for name in self.texts if name not in self.times}
        return self

    def transform(self, x):
        out = {name: x[name].astype("float64") for name in self.numeric}
        for name in self.times:
            when = pd.to_datetime(x[name].str.strip(), errors="coerce")
            out[name] = (when - pd.Timestamp(0)).dt.total_seconds()
            for part in PARTS:
                out[f"{name}:{part}"] = getattr(when.dt, part).astype("float64")
        for name, kept in self.kept.items():
            out[name] = pd.Categorical(x[name].str.strip(), categories=kept)
        return pd.DataFrame(out, index=x.index)


def classifiers(numeric, texts, seed):
    wide = dict(max_iter=300, random_state=seed)
    return {
        "mlp": make_pipeline(inputs(numeric, texts, False), MLPClassifier(**wide)),
        "boosting": make_pipeline(TreeColumns(numeric, texts), HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=seed)),
        "linear": make_pipeline(inputs(numeric, texts, False), LogisticRegression(max_iter=1000)),
        "dummy": DummyClassifier(strategy="prior"),
    }


def regressors(numeric, texts, seed):
    network = make_pipeline(inputs(numeric, texts, False), MLPRegressor(max_iter=300, random_state=seed))
    return {
        "mlp": TransformedTargetRegressor(network, transformer=StandardScaler()),
        "boosting": make_pipeline(TreeColumns(numeric, texts), HistGradientBoostingRegressor(categorical_features="from_dtype", random_state=seed)),
        "linear": make_pipeline(inputs(numeric, texts, False), Ridge()),
        "dummy": DummyRegressor(strategy="mean"),
    }


def classification_metrics(model, x, y, classes):
    probabilities = model.predict_proba(x)
    known = list(model.classes_)
    # a class that the train rows lack gets probability 0
    full = np.zeros((len(y), len(classes)))
    for i, name in enumerate(known):
        full[:, classes.index(name)] = probabilities[:, i]
    predicted = np.array(classes, dtype=object)[full.argmax(axis=1)]
    clipped = np.clip(full, 1e-7, 1)
    metrics = {
        "accuracy": accuracy_score(y, predicted),
        "macroF1": f1_score(y, predicted, average="macro", zero_division=0),
        "logLoss": log_loss(y, clipped / clipped.sum(axis=1, keepdims=True), labels=classes),
    }
    if len(classes) == 2 and len(set(y)) == 2:
        metrics["rocAuc"] = roc_auc_score(np.array(y) == classes[1], full[:, 1])
    return metrics


def regression_metrics(model, x, y):
    predicted = model.predict(x)
    return {
        "r2": r2_score(y, predicted),
        "rmse": float(np.sqrt(mean_squared_error(y, predicted))),
        "mae": mean_absolute_error(y, predicted),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--task", required=True, choices=["classification", "regression"])
    parser.add_argument("--no-header", action="store_true")
    parser.add_argument("--delimiter", default=",")
    parser.add_argument("--ignore", nargs="*", default=[])
    parser.add_argument("--models", default="mlp,boosting,linear,dummy")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()

    train, test = read(args.train, args), read(args.test, args)
    if args.target not in train.columns:
        sys.exit(f"no column '{args.target}' in {args.train}: {list(train.columns)}")
    train = train[~train[args.target].str.strip().isin(MISSING)].reset_index(drop=True)
    test = test[~test[args.target].str.strip().isin(MISSING)].reset_index(drop=True)
    numeric, texts = prepare(train, test, args)

    if args.task == "classification":
        y, truth = train[args.target].str.strip(), test[args.target].str.strip()
        classes = sorted(set(y) | set(truth))
        models = classifiers(numeric, texts, args.seed)
        measure = lambda model: classification_metrics(model, test, list(truth), classes)
    else:
        y, truth = numbers(train[args.target]), numbers(test[args.target])
        if y is None or truth is None:
            sys.exit(f"the column '{args.target}' is not a number in every row")
        models = regressors(numeric, texts, args.seed)
        measure = lambda model: regression_metrics(model, test, truth)

    results = {}
    for name in args.models.split(","):
        begun = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = models[name].fit(train, y)
                metrics = {key: float(value) for key, value in measure(model).items()}
            results[name] = {"metrics": metrics, "seconds": round(time.perf_counter() - begun, 3)}
        except Exception as error:  # one model that cannot be fitted must not hide the others
            results[name] = {"error": f"{type(error).__name__}: {error}"}
    print(
        json.dumps(
            {
                "task": args.task,
                "rows": {"train": len(train), "test": len(test)},
                "columns": {"numbers": len(numeric), "texts": len(texts)},
                "versions": {"sklearn": sklearn.__version__, "numpy": np.__version__},
                "models": results,
            }
        )
    )


if __name__ == "__main__":
    main()
