# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 5. The fleet changes: drift and retraining
#
# A model is right about the fleet that it learned from. Then a new print head comes, or a firmware that counts otherwise.
# This notebook lets a **simulated** fleet change on a known day, shows how the change is noticed without waiting for
# failures, what it does to the warnings, and what retraining brings.

# %%
import os
from datetime import UTC, datetime
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from models import lab

HERE = Path(os.environ.get("FORECALL_LAB", "lab-data"))
HERE.mkdir(exist_ok=True)
fleet = lab.simulated(HERE / "kiosks", devices=16, days=42, seed=5, kinds="kiosk", seldom=0.3)
COMPONENT = "receiptPrinter"
CHANGED = datetime(2026, 2, 4, tzinfo=UTC)

# %% [markdown]
# ## The fleet as it was
# Learned from until the change, tested after it.

# %%
data = fleet.dataset("kiosk", "24h", split=CHANGED)
model = data.learn(COMPONENT)
usual = model.foretold()
data.drift().head(5).round(2)

# %% [markdown]
# The **population stability index** (PSI) compares how a feature is distributed now with how it was when the model
# learned: below 0.1 nothing has moved, above 0.25 much has. Some features move by the mere passing of time, as ages
# and counts since the beginning do: `failure.*.total` or hours since a replacement are expected to.
#
# ## The change
# From 4 February on, all print heads report a temperature 14 degrees higher. Nothing else is different: the printers are
# as well as before.

# %%
newer = fleet.changed("x.PrintHeadTemperature", CHANGED, lambda value: value + 14.0)
after = newer.dataset("kiosk", "24h", split=CHANGED, like=data)
moved = pd.DataFrame({"before": data.drift()["psi"], "changed": data.drift(after)["psi"]})
moved = moved.sort_values("changed", ascending=False)
top = moved[moved["changed"] > moved["before"] + 0.25].head(10)
axes = top.iloc[::-1].plot.barh(figsize=(8, 3.4), color=["lightgrey", "indianred"])
axes.axvline(0.25, color="black", linewidth=1)
axes.set(xlabel="PSI", ylabel="", title="Features that moved with the change")
plt.show()

# %% [markdown]
# A running system looks at this every day for every champion, beside two more things: whether what came agrees with
# what was foretold, and whether tickets were worth their visits. See *Models* in the console and `forecall models`.
#
# ## What it does to the warnings
# The same model, asked about the changed fleet:

# %%
asked = model.foretold(of=after)
said = pd.DataFrame(
    {
        "mean probability": [usual["probability"].mean(), asked["probability"].mean()],
        "share that failed": [usual["label"].mean(), asked["label"].mean()],
        "decisions above 30 %": [
            (usual["probability"] > 0.3).sum(),
            (asked["probability"] > 0.3).sum(),
        ],
    },
    index=["as it was", "changed"],
)
said.round(4)

# %% [markdown]
# ## Retraining
# Two weeks later there is something to learn from again: the next split lies on 18 February. The same kind of model is
# learned again, with the settings that were chosen the first time.

# %%
LATER = datetime(2026, 2, 18, tzinfo=UTC)
fresh = newer.dataset("kiosk", "24h", split=LATER, like=data)
retrained = model.again(fresh)
old, new = model.foretold(of=fresh), retrained.foretold()


def brier(found: pd.DataFrame) -> float:
    return float(((found["probability"] - found["label"]) ** 2).mean())


pd.DataFrame(
    {
        "Brier score (lower is better)": [brier(old), brier(new)],
        "mean probability": [old["probability"].mean(), new["probability"].mean()],
        "share that failed": [old["label"].mean(), new["label"].mean()],
    },
    index=["old model", "retrained"],
).round(4)

# %% [markdown]
# A retrained model does not take charge by itself. It goes through the gate: on a period that both have not learned
# from it must be cheaper than the present champion. Until then it scores in shadow, beside the champion.
# `forecall train` trains anew; where the configuration allows it, an alarm about drift does so by itself.
