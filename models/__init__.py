"""Which component will fail: data sets, training, evaluation, registry, scoring, reasons."""
