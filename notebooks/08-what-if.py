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
# # 8. Uptime: what if?
#
# Before a contract is signed or a rule is changed: what would the uptime of last month have been if maintenance
# counted, if it were counted around the clock, if every repair had been an hour faster?
#
# It reads a running system through the role that can only look (`forecall reader`).

# %%
import matplotlib.pyplot as plt
import pandas as pd

from forecall import fleet

here = fleet.open_fleet()
end = pd.Timestamp(here.now()).floor("D")
start = end - pd.Timedelta("30D")

# %% [markdown]
# ## If less were excluded
# Downtime is excluded for maintenance windows, outages outside, what customers caused, and accepted disputes. Here
# nothing is:

# %%
bare = here.what_if("customer", start, end, exclusions=[])
bare.sort_values("change").round(4)

# %%
reasons = ("maintenance", "outside", "customer", "disputed")
without = {
    reason: here.what_if(
        "customer", start, end, exclusions=[other for other in reasons if other != reason]
    ).set_index("name")["change"]
    for reason in reasons
}
pd.DataFrame(without).round(3)

# %% [markdown]
# A number is the change in percentage points if that reason alone were counted as downtime.
#
# ## If it were counted around the clock
# For contracts with office hours. Nights count then, and what nobody noticed at night counts as well.

# %%
here.what_if("customer", start, end, service_hours=False).round(4)

# %% [markdown]
# ## If repairs were faster
# Every stretch of downtime cut at so many hours: what a promise of that time would have brought, had it been kept.

# %%
agreed = here.uptime("customer", start, end)
stretches = {key: here.downtimes("customer", key, start, end) for key in agreed.index}
limits = [1, 2, 4, 8, 12, 24]
curves = pd.DataFrame(
    {
        agreed.loc[key, "name"]: [
            1
            - found["counts_h"].clip(upper=limit).sum()
            / (agreed.loc[key, "up_h"] + agreed.loc[key, "down_h"])
            for limit in limits
        ]
        for key, found in stretches.items()
    },
    index=pd.Index(limits, name="longest downtime, hours"),
)
axes = (100 * curves).plot(marker="o", figsize=(9, 4))
axes.set(ylabel="uptime, %", title="If no downtime lasted longer")
plt.show()

# %%
(100 * curves.sub(agreed.set_index("name")["availability"], axis="columns")).round(3)

# %% [markdown]
# In percentage points. The downtime cut off is taken to be up time, so the sum of the two stays the same.
#
# ## Where would an hour less count most?
# The hours that devices were down beyond four hours, by site: where to look first.

# %%
beyond = (
    pd.concat(
        {
            site: here.downtimes("site", site, start, end)["counts_h"].sub(4).clip(lower=0)
            for site in here.uptime("site", start, end).index
        }
    )
    .groupby(level=0)
    .sum()
    .sort_values(ascending=False)
)
beyond.rename("hours beyond four").head(10).round(1).to_frame()
