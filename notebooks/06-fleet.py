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
# # 6. Explore the fleet of a running system
#
# The notebooks before this one read files. This one and the next two look at a **running system**, through a
# database role that can only look: nothing that you do here can change or break anything. An administrator
# makes it once with `forecall reader`.
#
# All times are UTC, all spans are hours. `help(here.uptime)` explains a call; what the columns are stands in
# *For data scientists*.

# %%
import matplotlib.pyplot as plt
import pandas as pd

from forecall import fleet

here = fleet.open_fleet()
end = pd.Timestamp(here.now()).floor("D")
start = end - pd.Timedelta("30D")

# %% [markdown]
# ## What is there?

# %%
devices = here.devices()
devices.groupby(["kind", "model", "firmware"]).size().rename("devices").to_frame()

# %%
today = pd.Timestamp(here.now()).tz_localize(None)
age = (today - devices["installed_on"]).dt.days / 365.25
axes = age.groupby(devices["kind"]).plot.hist(bins=12, alpha=0.5, legend=True, figsize=(9, 3))
plt.gca().set(xlabel="age, years", ylabel="devices", title="How old the fleet is")
plt.show()

# %% [markdown]
# ## How did it run?
# The last thirty days. `availability` is up over up and down; what nobody watched is neither.

# %%
sites = here.uptime("site", start, end).sort_values("availability")
sites.round(3).head(10)

# %%
models = here.uptime("model", start, end)
models[["name", "availability", "failures", "mtbf_h", "mttr_h"]].round(3)

# %% [markdown]
# ## What does the worst site's downtime consist of?
# Every figure opens to the stretches that it is made of.

# %%
worst = sites.index[0]
stretches = here.downtimes("site", worst, start, end)
stretches.groupby("cause")[["counts_h", "excluded_h"]].agg(["size", "sum"]).round(1)

# %% [markdown]
# ## What fails, and does it come in clusters?

# %%
failures = here.failures(start - pd.Timedelta("60D"), end)
daily = (
    failures.groupby([pd.Grouper(key="time", freq="W"), "component"]).size().unstack(fill_value=0)
)
axes = daily.plot.bar(stacked=True, figsize=(9, 3), width=0.85)
axes.set_xticks(range(len(daily)), [f"{week:%d %b}" for week in daily.index], rotation=45)
axes.set(xlabel="week", ylabel="failures", title="Failures a week")
plt.show()

# %%
per_device = failures.groupby("device").size().reindex(devices.index, fill_value=0)
per_device.value_counts().sort_index().rename("devices").to_frame()

# %% [markdown]
# Many devices with none and a few with many may be chance, or may not: `forecall report life` tests it, for each
# device's model, age and use. Next: [07-review](07-review.ipynb), the staff's figures.
