"""Which component will fail: data sets, training, evaluation, registry, scoring, reasons."""

import os

# Before scikit-learn loads OpenMP: threads that wait shall sleep. Spinning, they take the cores from
# each other's work, and on a busy machine a fit lasts ten times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
