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
# # 3. Would it have worked on your own history?
#
# A **backtest** goes back in time: it learns from the early part of a history, foretells the late part, and counts
# what the warnings would have been worth. It needs no database and no running system: only a folder of files.
# Put in your own folder below; without one a small **simulated** fleet is judged, which reports its counters once
# a day.

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from domain.errors import BadInputError
from models import lab

HERE = Path(os.environ.get("FORECALL_LAB", "lab-data"))
HERE.mkdir(exist_ok=True)
HISTORY = HERE / "daily"
if not HISTORY.exists():
    lab.simulated(HISTORY, devices=30, days=120, seed=8, kinds="pos", daily=True, seldom=0.4)

# %% [markdown]
# ## The files
# Only `devices` must be there, and at least one of the others; `failures` to judge anything. Times carry their zone.

# %%
for path in sorted(HISTORY.glob("*.csv")):
    print(f"{path.name}:", path.read_text().splitlines()[0][:90])

# %%
pd.read_csv(HISTORY / "readings.csv").iloc[:3, :5]

# %% [markdown]
# What does not fit is refused with file, row, column and what is allowed. For example a time without its zone:

# %%
broken = HERE / "broken"
broken.mkdir(exist_ok=True)
(broken / "devices.csv").write_text("device_id,kind\nA1,pos\n")
(broken / "failures.csv").write_text("time,device_id,component\n2026-01-05 10:00,A1,cardReader\n")
try:
    lab.open_history(broken)
except BadInputError as error:
    print(error)

# %%
fleet = lab.open_history(HISTORY)
fleet.overview().round(1)

# %% [markdown]
# ## The backtest
# With readings once a day, three days ahead is a sensible horizon. Everything else is derived from the data: the step of
# decisions, the split, the windows of features.

# %%
judged = fleet.backtest("3d", components=["receiptPrinter"])
judged.figures["protocol"]

# %% [markdown]
# ## What came out
# `warned`: failures with an alarm in time. `false_episodes_per_device_month`: how often somebody would have been sent for
# nothing. The `rule` is the best single limit on a single feature: a model that is not clearly better than it is not
# worth its trouble.

# %%
components = judged.components()
components[
    ["events", "warned", "median_lead_h", "false_episodes_per_device_month", "pr_auc", "cost"]
].round(2)

# %% [markdown]
# How sure is that? Intervals by drawing the devices anew, 95 %:

# %%
pd.DataFrame(
    judged.figures["components"]["receiptPrinter"]["intervals"], index=["low", "high"]
).T.round(2)

# %%
money = judged.money()
axes = money["cost"].plot.barh(figsize=(7, 2.2), color=["seagreen", "grey", "grey", "indianred"])
axes.set(xlabel="cost of the test period", ylabel="")
plt.show()

# %% [markdown]
# ## How early?
# Hours from the first warning to the failure; missed failures stand at the left.

# %%
failures = judged.failures()
_, axes = plt.subplots(figsize=(7, 2.6))
axes.hist(failures["lead_h"].fillna(0.0), bins=24)
axes.set(xlabel="hours of warning (0: missed)", ylabel="failures")
plt.show()

# %% [markdown]
# ## For the others
# One HTML page with everything, to send around:

# %%
judged.report(HERE / "report.html", title="Three days ahead, daily counters")
print(f"{HERE / 'report.html'} is written")

# %% [markdown]
# The same on the command line:
#
# ```
# forecall backtest --history my-history --horizon 3d --json figures.json --report report.html
# ```
