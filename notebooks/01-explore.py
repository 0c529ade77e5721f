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
# # 1. Look at a fleet's history
#
# Before any model: what is in the data, what fails how often, and can a person see it coming?
#
# Forecall reads a **history folder**: `devices`, and any of `readings`, `events`, `maintenance` and
# `failures`, as CSV or Parquet files. Here a small **simulated** fleet is used; set `HISTORY` to a folder
# of your own to look at that instead. All times are UTC.

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from models import lab

HERE = Path(os.environ.get("FORECALL_LAB", "lab-data"))
HISTORY = HERE / "kiosks"

HERE.mkdir(exist_ok=True)
fleet = lab.simulated(HISTORY, devices=16, days=42, seed=5, kinds="kiosk", seldom=0.3)

# %% [markdown]
# ## What is there?
# One row a device. Look for devices without readings, for missing models, for a single site that has all the
# failures.

# %%
devices = fleet.devices()
devices.head()

# %%
fleet.metrics()

# %% [markdown]
# A **counter** only grows (it may be reset); what counts is how fast. A **gauge** goes up and down.
# Forecall knows the kind of the metrics in its vocabulary and judges others by how they behave.
#
# ## What fails, and how often?
# `per_device_year` says how many failures one device has in a year. With fewer than about 20 failures of a
# component there is little to learn from.

# %%
overview = fleet.overview()
overview.round(1)

# %%
failures = fleet.failures()
weekly = (
    failures.groupby([pd.Grouper(key="time", freq="W"), "component"]).size().unstack(fill_value=0)
)
axes = weekly.plot.bar(stacked=True, figsize=(9, 3), width=0.85)
labels = [f"{week:%d %b}" for week in weekly.index]
axes.set_xticks(range(len(labels)), labels, rotation=45)
axes.set(xlabel="week", ylabel="failures", title="Failures a week")
plt.show()

# %% [markdown]
# Are there weeks without any? Perhaps nobody wrote them down then. A model that learns from such a time learns
# that nothing fails.
#
# ## Is everything heard all the time?
# Share of hours with a reading, by device and day. White stripes are silence: a broken device, a lost network, or
# a gap in your export.

# %%
counted = {
    device: fleet.readings(device, ["HoursPoweredCount"]).resample("D").size() / 24
    for device in devices.index
}
heard = pd.DataFrame(counted).fillna(0.0).T
figure, axes = plt.subplots(figsize=(9, 4))
image = axes.imshow(heard, aspect="auto", cmap="viridis", vmin=0, vmax=1, interpolation="nearest")
days = range(0, heard.shape[1], 14)
axes.set_xticks(list(days), [f"{heard.columns[day]:%d %b}" for day in days])
axes.set(xlabel="day", ylabel="device", title="Share of hours heard")
figure.colorbar(image)
plt.show()

# %% [markdown]
# ## Can a person see it coming?
# Take one failure of the most frequent component and look at the days before it. If you see nothing in any of
# your failures, a model will hardly see more.

# %%
component = "billAcceptor"
own = failures[
    (failures["component"] == component)
    & (failures["time"] > failures["time"].min() + pd.Timedelta("14D"))
]
last = own.iloc[-1]
shown = fleet.readings(last["device"], ["x.BillRejectedCount", "x.BillJamCount"])
per_hour = shown.diff().resample("6h").sum()
window = per_hour[last["time"] - pd.Timedelta("12D") : last["time"] + pd.Timedelta("2D")]
axes = window.plot(figsize=(9, 3))
axes.axvline(last["time"], color="red", linestyle="--", label="failure")
axes.set(xlabel="", ylabel="growth in 6 hours", title=f"{last['device']}, {component}")
axes.legend()
plt.show()

# %% [markdown]
# ## What do devices say before they fail?
# For each code: in what share of the failures its component told it in the two days before, and how many are told
# in any two days of a device. Where the first is much larger, the code is a sign.

# %%
events = fleet.events()
told = failures.reset_index().merge(events, on=["device", "component"], suffixes=("", "_told"))
ahead = told["time"] - told["time_told"]
told = told[(ahead > pd.Timedelta(0)) & (ahead <= pd.Timedelta("2D"))]
told_before = told.groupby(["component", "code"])["index"].nunique()
failed = failures.groupby("component").size().rename_axis("component")
pairs_of_days = (events["time"].max() - events["time"].min()) / pd.Timedelta("2D") * len(devices)
pd.DataFrame(
    {
        "share_of_failures": told_before.div(failed, level="component"),
        "told_in_any_2_days": events.groupby(["component", "code"]).size() / pairs_of_days,
    }
).dropna().round(3)

# %% [markdown]
# ## Repairs
# `replaced` and `cleaned` without a failure are planned work. It hides failures: nobody knows whether the part
# would have failed. Forecall leaves such decisions out of what it learns from.

# %%
fleet.maintenance().groupby(["component", "action"]).size().unstack(fill_value=0)

# %% [markdown]
# Next: [02-train](02-train.ipynb) makes a model of it, [03-backtest](03-backtest.ipynb) judges one on a history of
# your own.
