"""TF-IDF + logistic regression (or ridge) on one split: texts.py SPLIT.json, {task, train: [[text, answer]], test: …} → its metrics as JSON."""
import json, sys
sys.path.pop(0)  # beside this file lies another named sklearn
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score, log_loss, r2_score, root_mean_squared_error

split = json.load(open(sys.argv[1], encoding="utf8"))
(x, y), (u, t) = zip(*split["train"]), zip(*split["test"])
numbers = split["task"] == "regression"
if numbers:
    y, t = [float(v) for v in y], [float(v) for v in t]
ways = {
    "tf-idf words 1-2": dict(ngram_range=(1, 2)),
    "tf-idf characters 1-3": dict(analyzer="char", ngram_range=(1, 3)),
}
out = {}
for way, options in ways.items():
    vectorizer = TfidfVectorizer(**options)
    model = (Ridge() if numbers else LogisticRegression(max_iter=2000)).fit(vectorizer.fit_transform(x), y)
    v = vectorizer.transform(u)
    said = model.predict(v)
    if numbers:
        out[way] = {"r2": r2_score(t, said), "rmse": root_mean_squared_error(t, said)}
    else:
        out[way] = {"accuracy": accuracy_score(t, said), "macroF1": f1_score(t, said, average="macro"), "logLoss": log_loss(t, model.predict_proba(v), labels=model.classes_)}
print(json.dumps(out))
