"""Which component will fail: data sets, training, evaluation, registry, scoring, reasons."""

import os

# Before scikit-learn loads OpenMP. A fit is thousands of very short parallel steps: on one thread it
# takes half as long as on two, and on a busy machine a tenth.
os.environ.setdefault("OMP_NUM_THREADS", "1")
