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
# # 7. Review the staff's figures
#
# What happened in a month, beside what could be expected of the same cases whoever had them. It is read with its
# interval, and few cases say nothing: do not rank by it. What is measured and how it is adjusted: *The staff's
# figures* in the documentation.
#
# It reads a running system through the role that can only look (`forecall reader`).

# %%
import matplotlib.pyplot as plt
import pandas as pd

from forecall import fleet

here = fleet.open_fleet()
month = f"{pd.Timestamp(here.now()) - pd.Timedelta('31D'):%Y-%m}"
start = pd.Timestamp(month, tz="UTC")
end = start + pd.offsets.MonthBegin()

# %%
review = here.review(month, by="engineer", zone="Asia/Tehran")
review.pivot(index="name", columns="measure", values="cases").fillna(0).astype(int)

# %% [markdown]
# ## As it was, and with cases like everybody's
# Each bar is a 95 % interval. Where the two differ, an engineer had other cases than the rest: farther away, older
# devices, harder faults. Where two engineers' intervals overlap widely, nothing tells them apart.

# %%
measure = "repair_h"
shown = review[(review["measure"] == measure) & review["value"].notna()].set_index("name")
figure, axes = plt.subplots(figsize=(9, 3))
for shift, column, colour in ((-0.12, "value", "tab:blue"), (0.12, "adjusted", "tab:orange")):
    low, high = ("low", "high") if column == "value" else ("adjusted_low", "adjusted_high")
    places = [place + shift for place in range(len(shown))]
    axes.vlines(places, shown[low], shown[high], color=colour)
    axes.plot(places, shown[column], "o", color=colour, label=column)
axes.set_xticks(range(len(shown)), shown.index)
axes.set(ylabel="hours", title=f"{measure}, {month}")
axes.legend()
plt.show()

# %%
adjusted = shown[["cases", "value", "adjusted", "adjusted_low", "adjusted_high", "few"]]
adjusted.round(2)

# %% [markdown]
# ## The uptime of the devices in their care

# %%
care = here.uptime("engineer", start, end)
care[["name", "availability", "down_h", "excluded_h", "failures"]].round(3)

# %% [markdown]
# ## Promised times
# The share that was kept, by clock, and how much of the time was used: what is kept with the last minute will be
# broken next month.

# %%
promises = here.sla(start, end)
promises["used_share"] = promises["used_h"] / promises["target_h"]
promises.groupby(["plan", "clock"]).agg(
    cases=("kept", "size"),
    kept=("kept", "mean"),
    usual_share_used=("used_share", "median"),
).round(3)

# %% [markdown]
# ## Which cases is a figure made of?
# Before anybody is told anything, look at the cases.

# %%
cases = here.tickets(start, end)
cases["hours"] = (cases["closed_at"] - cases["opened_at"]) / pd.Timedelta("1h")
cases.sort_values("hours", ascending=False)[
    ["engineer", "device", "component", "origin", "hours", "finding", "caused_by"]
].head(10).round(1)

# %%
cases.groupby(["engineer", "caused_by"]).size().unstack(fill_value=0)

# %% [markdown]
# Next: [08-what-if](08-what-if.ipynb), what another way of counting would make of the uptime.
