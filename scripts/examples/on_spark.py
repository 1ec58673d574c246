"""Answers beside each row of a table of Spark; every executor loads the model once.

python scripts/examples/on_spark.py MODEL TEXT OUTPUT
"""

import os
import sys

import numpy as np
from pyspark.ml.functions import predict_batch_udf
from pyspark.sql import SparkSession
from pyspark.sql.types import StringType


def main(model, text, output):
    def make_predict():
        import nlpkit

        tagger = nlpkit.load(model)
        return lambda texts: np.array([answer.to_text() for answer in tagger.predict([str(x) for x in texts])])

    words = predict_batch_udf(make_predict, return_type=StringType(), batch_size=1000)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # where nlpkit is installed
    spark = SparkSession.builder.getOrCreate()
    spark.read.text(text).withColumn("words", words("value")).write.json(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
