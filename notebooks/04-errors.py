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
# # 4. Why was this predicted, and why was that missed?
#
# A figure such as "82 % warned" hides what to do next. This notebook looks at errors device by device: where the money
# went, what the model saw in a hit, and what it could not have seen in a miss. The fleet is **simulated**, so at the
# end the truth can be asked, too.

# %%
import os
from datetime import timedelta
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from models import lab
from models.examine.examiner import examine_backtest
from models.settings import Costs
from simulator.truth import TRUTH_FILE, read_truth

HERE = Path(os.environ.get("FORECALL_LAB", "lab-data"))
HERE.mkdir(exist_ok=True)
fleet = lab.simulated(HERE / "kiosks", devices=16, days=42, seed=5, kinds="kiosk", seldom=0.3)
COMPONENT = "billAcceptor"
judged = fleet.backtest("24h", components=[COMPONENT])

# %% [markdown]
# ## Where did the money go?
# Missed failures and false episodes, device by device. One or two devices often make most of the cost: a bad site,
# a part that was repaired badly, a sensor that lies.

# %%
devices = judged.by_device(COMPONENT)
devices["missed"] = devices["failures"] - devices["warned"]
devices.head(6).round(2)

# %%
worst = devices.head(12)
axes = worst[["missed", "warned", "false_episodes"]].plot.bar(
    figsize=(8, 3), color=["indianred", "seagreen", "orange"]
)
axes.set(xlabel="", ylabel="count", title="The twelve most expensive devices")
plt.show()

# %% [markdown]
# ## A hit, and its reasons
# What the probability did before a failure that was foretold:

# %%
failures = judged.failures()
decisions = judged.decisions(COMPONENT)
threshold = judged.components().loc[(COMPONENT, "model"), "threshold"]


def show(failure: pd.Series, title: str) -> None:
    own = decisions[decisions["device"] == failure["device"]].set_index("time")["probability"]
    own = own[failure["at"] - pd.Timedelta("5D") : failure["at"] + pd.Timedelta("1D")]
    _, axes = plt.subplots(figsize=(8, 2.6))
    axes.plot(own.index, own, drawstyle="steps-post")
    axes.axhline(threshold, color="grey", linewidth=1, label="threshold")
    axes.axvline(failure["at"], color="red", linestyle="--", label="failure")
    axes.set(ylabel="probability", ylim=(0, 1), title=f"{title}: {failure['device']}")
    axes.legend(loc="upper left")
    plt.show()


hit = failures.dropna(subset="warned_at").iloc[0]
show(hit, "Foretold")

# %% [markdown]
# Reasons are groups of features that a person has a word for. `share` is how much of the risk above the usual a group
# explains. (For this the model is learned once more, so that it can be asked again.)

# %%
learned = fleet.dataset("kiosk", "24h").learn(COMPONENT)
pd.set_option("display.max_colwidth", 120)
learned.reasons(hit["device"], hit["warned_at"].to_pydatetime()).round(2)

# %% [markdown]
# ## A miss
# Was there a sign at all? Look at what the component measured in the days before.

# %%
missed = failures[failures["warned_at"].isna()]
print(f"{len(missed)} of {len(failures)} failures were missed")
if len(missed):
    miss = missed.iloc[0]
    show(miss, "Missed")
    before = fleet.readings(miss["device"], ["x.BillRejectedCount", "x.BillJamCount"]).diff()
    before = before.resample("6h").sum()[miss["at"] - pd.Timedelta("5D") : miss["at"]]
    before.plot(figsize=(8, 2.6), ylabel="growth in 6 hours", xlabel="")
    plt.show()

# %% [markdown]
# ## False alarms
# Was it really for nothing? If the component was cleaned or replaced soon after the alarm, somebody may have prevented
# the failure, and the alarm was right.

# %%
false = judged.episodes().query("false")
repairs = fleet.maintenance().query("component == @COMPONENT")
served = false.merge(repairs[["device", "time", "action"]], on="device")
soon = served[
    (served["time"] >= served["from"]) & (served["time"] <= served["to"] + timedelta(days=2))
]
print(
    f"{len(false)} false episodes; the component was served during or soon after {soon['from'].nunique()} of them"
)

# %% [markdown]
# ## The truth (simulated fleets only)
# The simulator knows why each part failed and from when on that could be seen. `visible`: failures with clear signs at least
# an hour before. What gave no sign, nobody can foretell: a shock comes out of nothing.

# %%
found = examine_backtest(read_truth(HERE / "kiosks" / TRUTH_FILE), judged.figures, Costs())
pd.DataFrame(found.to_json()["stories"]).set_index("story")

# %%
print(
    f"{found.foreseen} of {found.visible} visible failures were foreseen; {found.failures - found.with_sign} gave no sign at all"
)
print(
    f"{found.excused} of {found.false_episodes} false episodes fell into a time when the part did wear"
)
