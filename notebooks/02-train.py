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
# # 2. Train a model, set its threshold by money, register it
#
# A **task** is: does this component of this device fail within the next 24 hours? A **decision** is one such
# question, asked every three hours of every device. This notebook makes a data set of decisions, learns from the
# early part of the history, chooses what has to be chosen there, and judges on the late part, once.

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt

from models import lab
from models.settings import CostSettings

HERE = Path(os.environ.get("FORECALL_LAB", "lab-data"))
HERE.mkdir(exist_ok=True)
fleet = lab.simulated(HERE / "kiosks", devices=16, days=42, seed=5, kinds="kiosk", seldom=0.3)
COMPONENT = "billAcceptor"

# %% [markdown]
# ## The data set
# A row a decision. Its features were known at that moment: an hour's readings count once the hour is over, and a
# repair counts from when it was recorded. There are no decisions while a device is silent or the component is
# broken.

# %%
data = fleet.dataset("kiosk", horizon="24h")
table = data.table(COMPONENT)
print(f"{len(table)} decisions, {table['label'].sum()} of them less than 24 hours before a failure")
print(f"learned from until the split, {data.split:%d %B %Y}")
data.features().groupby(["source", "statistic"]).size().unstack(fill_value=0).T

# %% [markdown]
# Any library can learn from `table`: it is a plain DataFrame. But cut it **in time**, never at random: decisions of
# one device three hours apart are nearly the same, and a random split would learn its own test by heart.
#
# What does the strongest sign look like, with and without a failure ahead?

# %%
sign = (
    table.drop(columns=["label", "teaches"]).corrwith(table["label"].astype(float)).abs().idxmax()
)
_, axes = plt.subplots(figsize=(7, 3))
for label, shown in table.groupby("label")[sign]:
    axes.hist(
        shown.dropna(), bins=40, density=True, alpha=0.6, label="fails" if label else "does not"
    )
axes.set(xlabel=sign, ylabel="share of decisions", yscale="log")
axes.legend(title="within 24 hours it")
plt.show()

# %% [markdown]
# ## Learn and calibrate
# `backtest` does what `forecall backtest` does: the learning part is cut again in time, and what was foretold of each
# later piece (the **rehearsal**) is used to calibrate and to set the threshold. Beside the model, two simple ways are
# learned: the best single limit on a single feature (`rule`), and a logistic regression.

# %%
judged = fleet.backtest("24h", components=[COMPONENT])
shown = ["pr_auc", "brier", "events", "warned", "median_lead_h", "false_episodes", "cost"]
judged.components()[shown].round(3)

# %% [markdown]
# **Calibrated** means: of a hundred decisions at 30 %, about thirty fail. With few failures the points scatter.

# %%
bands = judged.reliability(COMPONENT)
_, axes = plt.subplots(figsize=(4, 4))
axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
axes.scatter(bands["foretold"], bands["came"], s=12 + bands["decisions"] ** 0.5)
axes.set(xlabel="foretold", ylabel="came", title="Reliability on the test period")
plt.show()

# %% [markdown]
# ## The threshold is a decision about money
# A false alarm costs a visit. A failure that nobody foresaw costs the visit, the standstill and the customer's trust.
# Put in your own figures; the curve is made on the rehearsal, so the test period stays untouched.

# %%
usual = CostSettings()
dear_visits = CostSettings(visit=400.0)
_, axes = plt.subplots(figsize=(7, 3))
for name, costs in {"usual": usual, "dear visits": dear_visits}.items():
    curve = judged.cost_curve(COMPONENT, costs)
    best = judged.threshold(COMPONENT, costs)
    axes.plot(
        curve["threshold"], curve["cost"] / curve["cost"].min(), label=f"{name}: best at {best:.2f}"
    )
axes.set(xlabel="threshold", ylabel="cost / lowest cost", ylim=(0.9, 3))
axes.legend()
plt.show()

# %%
chosen = judged.threshold(COMPONENT, dear_visits)
judged.at(COMPONENT, chosen, dear_visits)[["failures", "warned", "false_episodes", "cost"]]

# %% [markdown]
# ## Register and promote
# A running system trains from its own store. Here one is made in a folder of its own, with simulated attendance
# clocks and their past; on your system you would open yours: `store_for_command(load_settings(), "lab")`.

# %%
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from forecall.config import Settings
from forecall.demo import build_demo, is_built
from forecall.wiring import store_for_command
from models.settings import TrainSettings

settings = Settings(data_dir=HERE / "store", demo_clocks=24, demo_terminals=2, demo_history_days=45)
running = ExitStack()
installation = running.enter_context(store_for_command(settings, "lab"))
if not is_built(installation.database):
    end = datetime(2026, 3, 1, tzinfo=UTC)
    build_demo(installation.database, settings, end, lambda what, share: None)
    running.close()
    installation = running.enter_context(store_for_command(settings, "lab"))
store = lab.open_store(installation.database, installation.clock)

# %% [markdown]
# `train` makes a model of every task with enough failures and judges it on a held-out period. The **gate** decides
# whether it takes charge: cheaper than the rule, than waiting and than the present champion, calibrated, and
# not thanks to one device alone. Steps of six hours keep this example short.

# %%
store.train(kinds=["clock"], settings=TrainSettings(step=timedelta(hours=6)))

# %%
models = store.models()
newest = models.index.max()
store.gate(newest)

# %% [markdown]
# A person may overrule the gate. The act needs a reason and stands in the audit.

# %%
if models.loc[newest, "stage"] != "champion":
    store.promote(newest, actor="data scientist", reason="tried in the notebook")
store.models()[
    ["task", "stage", "threshold", "failures", "warned", "false_episodes", "cost", "rule_cost"]
]

# %%
running.close()

# %% [markdown]
# On the command line the same is `forecall train`, `forecall models` and `forecall models promote`. In the console
# the page *Models* shows it.
