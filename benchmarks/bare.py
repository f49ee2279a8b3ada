"""The bare script: read, fit, evaluate, save. What `retrain` is measured against; it knows no Millrace.

`python benchmarks/bare.py ROWS.parquet ITERATIONS MODEL.joblib`
"""

import sys

import joblib
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

rows = pd.read_parquet(sys.argv[1])
labels, features = rows["label"], rows.drop(columns=["label", "at"])
words = [name for name in features if name.startswith("word")]
numbers = [name for name in features if name.startswith("number")]

encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
columns = ColumnTransformer([("numeric", "passthrough", numbers), ("categorical", encoder, words)])
boosting = HistGradientBoostingClassifier(max_iter=int(sys.argv[2]), early_stopping=False, random_state=7)
pipeline = Pipeline([("columns", columns), ("model", boosting)])

train, test, train_labels, test_labels = train_test_split(features, labels, test_size=0.2, random_state=7)
pipeline.fit(train, train_labels)
print(f"AUC {roc_auc_score(test_labels, pipeline.predict_proba(test)[:, 1]):.4f}")
joblib.dump(pipeline, sys.argv[3])
