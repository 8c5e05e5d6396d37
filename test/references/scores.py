"""Makes scores.json: what scikit-learn says of made answers (ROC AUC, average precision, curves, reliability, Brier, F1).
   python test/references/scores.py > test/references/scores.json
The answers are float32, with many equal among them, and are stored beside what is said of them."""
import json
import numpy as np
import sklearn
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, brier_score_loss, precision_recall_curve, precision_recall_fscore_support
from sklearn.metrics import roc_auc_score, roc_curve

rng = np.random.default_rng(7)


def case(n, classes, ties, absent=()):
    truth = rng.choice([c for c in range(classes) if c not in absent], size=n)
    logits = rng.normal(size=(n, classes)) * 1.5
    logits[np.arange(n), truth] += 1.1
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    if ties:  # few different scores: equal ones are one step of a curve
        p = np.maximum(np.round(p * ties), 0.25)
        p = p / p.sum(1, keepdims=True)
    p = p.astype(np.float32)
    hot = np.eye(classes)[truth]
    own = [c for c in range(classes) if 0 < hot[:, c].sum() < n]
    said = p.argmax(1)
    precision, recall, f1, support = precision_recall_fscore_support(truth, said, labels=range(classes), zero_division=0)
    auc = [roc_auc_score(hot[:, c], p[:, c]) for c in own]
    ap = [average_precision_score(hot[:, c], p[:, c]) for c in own]
    confidence, right = p.max(1).astype(np.float64), said == truth
    ece = 0.0
    for b in range(15):
        inside = np.minimum(np.floor(confidence * 15), 14) == b
        if inside.any():
            ece += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    brier = brier_score_loss(truth, p[:, 1]) if classes == 2 else brier_score_loss(truth, p, labels=range(classes))
    first = own[-1]
    fpr, tpr, _ = roc_curve(hot[:, first], p[:, first], drop_intermediate=False)
    pr, rc, _ = precision_recall_curve(hot[:, first], p[:, first])
    true, mean = calibration_curve(hot[:, first], p[:, first], n_bins=15, strategy="uniform")
    return {
        "classes": classes, "truth": truth.tolist(), "probabilities": [float(x) for x in p.ravel()],
        "own": own, "auc": auc, "ap": ap, "macroAuc": float(np.mean(auc)), "macroAp": float(np.mean(ap)), "ece": ece, "brier": float(brier),
        "precision": precision.tolist(), "recall": recall.tolist(), "f1": f1.tolist(), "support": support.tolist(),
        "curve": {"class": first, "fpr": fpr.tolist(), "tpr": tpr.tolist(), "precision": pr[::-1].tolist(), "recall": rc[::-1].tolist(),
                  "calibration": {"true": true.tolist(), "mean": mean.tolist()}},
    }


print(json.dumps({
    "sklearn": sklearn.__version__,
    "cases": {
        "two classes": case(120, 2, 0), "two classes, equal scores": case(150, 2, 8), "five classes": case(150, 5, 0),
        "five classes, equal scores, one absent": case(150, 5, 6, absent=(2,)), "one answer each": case(4, 3, 0),
    },
}))
