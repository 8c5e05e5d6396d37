/** Names of the field's metrics, and what each says in one short line. */
export const metrics = {
  names: {
    loss: "Loss",
    accuracy: "Accuracy",
    macroF1: "Macro F1",
    logLoss: "Log loss",
    rocAuc: "ROC AUC",
    r2: "R²",
    rmse: "RMSE",
    mae: "MAE",
    "ndcg@10": "NDCG@10",
    "recall@10": "Recall@10",
  } as Record<string, string>,
  help: {
    loss: "What training makes small.",
    accuracy: "Share of rows it gets right.",
    macroF1: "Right answers, with every class counting the same; 1 is perfect.",
    logLoss: "How surprised it is by the truth; smaller is better.",
    rocAuc: "How well it puts the two classes in order; 0.5 is chance, 1 is perfect.",
    r2: "Share of the differences that it explains; 1 is perfect, 0 is the mean.",
    rmse: "Typical error, where large ones count more, in the column's own unit.",
    mae: "Average error, in the column's own unit.",
    "ndcg@10": "How high the item stands that a user took last, among ten recommended; 1 is always first.",
    "recall@10": "Share of users whose last item is among the ten recommended.",
  } as Record<string, string>,
  perfect: "perfect",
};
