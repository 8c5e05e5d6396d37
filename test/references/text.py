"""Makes text.json: scikit-learn's TF-IDF + logistic regression on the very split that a run makes.
   PADDOCK_TEXT_SPLIT=/tmp/split.json npx vitest run test/train/text.test.ts
   python test/references/text.py /tmp/split.json > test/references/text.json"""
import json, sys
import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score

ways = {
    "word 1-2": lambda: TfidfVectorizer(ngram_range=(1, 2)),
    "char 1-3": lambda: TfidfVectorizer(analyzer="char", ngram_range=(1, 3)),
}
out = {"sklearn": sklearn.__version__, "sets": {}}
for name, parts in json.load(open(sys.argv[1], encoding="utf8")).items():
    train, test = parts["train"], parts["test"]
    entry = {"train": len(train), "test": len(test), "peers": {}}
    for way, make in ways.items():
        vectorizer = make()
        model = LogisticRegression(max_iter=2000).fit(vectorizer.fit_transform([t for t, _ in train]), [y for _, y in train])
        said, truth = model.predict(vectorizer.transform([t for t, _ in test])), [y for _, y in test]
        entry["peers"][way] = {"accuracy": accuracy_score(truth, said), "macroF1": f1_score(truth, said, average="macro")}
    out["sets"][name] = entry
print(json.dumps(out, indent=1))
