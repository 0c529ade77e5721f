"""Features and labels of a history's decisions, and what Forecall's learner makes of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from domain.errors import BadInputError
from models.backtest.protocol import Asked, Protocol, plan
from models.data.dataset import Dataset, TaskRows, join, task_rows
from models.data.history import chunk_decisions, chunks, of_kind, span_of
from models.lab.frames import Frame, hours_after, pd
from models.learn.forecast import Bools, Fitted, fit_components, refit
from models.live.distribution import describe as described
from models.live.distribution import psi
from models.reasons.explain import explain
from pipeline.features.frames import HOUR, Floats
from pipeline.features.learn import learn_vocabulary
from pipeline.features.vocabulary import Vocabulary
from pipeline.history import History

Part = Literal["learn", "test"]


def build(
    history: History, kind: str, asked: Asked, vocabulary: Vocabulary | None = None
) -> DataLab:
    """The decisions about devices of `kind`. Raises BadInputError where there is none."""
    devices = of_kind(history, kind)
    if not len(devices):
        known = ", ".join(sorted({device.kind for device in history.devices}))
        raise BadInputError(f"kind: {kind!r}; there are: {known}")
    start, bucket = span_of(history)
    protocol = plan(history, asked, start, bucket)
    if vocabulary is None:  # what the columns are is learned from the early part alone
        vocabulary = learn_vocabulary(history, protocol.at(protocol.learn_data_until))
    moments = protocol.moments(0.0, protocol.end)
    parts = [
        chunk_decisions(chunk, start, moments) for chunk in chunks(history, devices, vocabulary)
    ]
    keys = np.array([device.key for device in history.devices], dtype=object)[devices]
    return DataLab(kind, protocol, vocabulary, join(parts), keys)


@dataclass(frozen=True, slots=True, eq=False)
class DataLab:
    """Decisions of one kind of device: every moment at which a model could have spoken.

    Attributes:
        protocol: horizon, step, and where learning ends and the test begins.
        keys: of the devices, by the indexes inside.
    """

    kind: str
    protocol: Protocol
    vocabulary: Vocabulary
    data: Dataset
    keys: NDArray[np.object_]

    @property
    def split(self) -> datetime:
        """Where the test begins."""
        return self.protocol.at(self.protocol.test_from)

    def features(self) -> Frame:
        """One row a feature, by its name. Columns: source, subject, statistic, window_h (NaN: none)."""
        rows = [
            {
                "feature": each.name,
                "source": str(each.source),
                "subject": each.subject,
                "statistic": str(each.statistic),
                "window_h": each.window_h,
            }
            for each in self.data.features
        ]
        return pd.DataFrame(rows).set_index("feature")

    def table(self, component: str, part: Part = "learn") -> Frame:
        """Decisions about `component`, a row each, indexed by (device, time UTC).

        Columns: all features (float32, in their metrics' units; spans in hours), then `label` (it fails
        within the horizon) and `teaches` (False: serviced before it could show what it would do).
        """
        rows, chosen = self._rows(component, part)
        frame = pd.DataFrame(
            self.data.values[rows.index[chosen]],
            columns=[each.name for each in self.data.features],
            index=self._index(rows, chosen),
        )
        frame["label"], frame["teaches"] = rows.label[chosen], rows.teaches[chosen]
        return frame

    def learn(self, component: str) -> LearnedLab:
        """Forecall's own forecast of `component`, learned from the part before the split.

        Raises BadInputError where it failed too seldom.
        """
        rows, chosen = self._rows(component, "learn")
        found = fit_components(
            self.data, {component: rows}, {component: chosen}, self.protocol.horizon_h
        )
        if component not in found:
            raise BadInputError(f"component: {component!r} failed too seldom before {self.split}")
        return LearnedLab(self, component, found[component])

    def drift(self, other: DataLab | None = None) -> Frame:
        """How far each feature has moved from the learning part to the test: a row a feature, most first.

        `other`: the test part of this data set instead, made `like` this one.

        Column psi: the population stability index; below .1 nothing has moved, above .25 much has.
        """
        known = described(self._values("learn"), self.data.devices)
        index = psi(known, (other or self)._values("test"))
        names = pd.Index([each.name for each in self.data.features], name="feature")
        return pd.DataFrame({"psi": index}, index=names).sort_values("psi", ascending=False)

    def _values(self, part: Part) -> NDArray[np.float32]:
        learned = self.data.moment <= self.protocol.learn_until
        judged = self.data.moment >= self.protocol.test_from
        return self.data.values[learned if part == "learn" else judged]

    def _rows(self, component: str, part: Part) -> tuple[TaskRows, Bools]:
        if component not in self.data.failures.names:
            known = ", ".join(sorted(self.data.failures.names)) or "none"
            raise BadInputError(f"component: {component!r} never failed; those that did: {known}")
        rows = task_rows(self.data, component, self.protocol.horizon)
        if part == "learn":
            return rows, rows.moment <= self.protocol.learn_until
        return rows, rows.moment >= self.protocol.test_from

    def _index(self, rows: TaskRows, chosen: Bools) -> Frame:
        times = hours_after(self.data.start, rows.moment[chosen])
        return pd.MultiIndex.from_arrays(
            [self.keys[rows.device[chosen]], times], names=["device", "time"]
        )


@dataclass(frozen=True, slots=True, eq=False)
class LearnedLab:
    """A forecast of one component, learned from a data set's part before the split."""

    data: DataLab
    component: str
    fitted: Fitted

    def foretold(self, part: Part = "test", of: DataLab | None = None) -> Frame:
        """What it says of every decision, indexed by (device, time UTC).

        `of`: another data set, made `like` the one that was learned from.

        Columns: probability (calibrated, of failing within the horizon), label.
        """
        asked = of or self.data
        rows, chosen = asked._rows(self.component, part)
        probability = self._within(asked.data.values[rows.index[chosen]])
        return pd.DataFrame(
            {"probability": probability, "label": rows.label[chosen]},
            index=asked._index(rows, chosen),
        )

    def again(self, data: DataLab) -> LearnedLab:
        """The same, learned from another data set's part before its split: nothing is chosen anew.

        `data` must be made `like` the first. Raises BadInputError where too little failed in it.
        """
        rows, chosen = data._rows(self.component, "learn")
        forecast = refit(self.fitted, self.component, data.data, rows, chosen)
        if forecast is None:
            raise BadInputError(
                f"component: {self.component!r} failed too seldom before {data.split}"
            )
        return LearnedLab(data, self.component, replace(self.fitted, forecast=forecast))

    def reasons(self, device: str, time: datetime) -> Frame:
        """Why it says what it says of `device`, at the last decision up to `time`: strongest first.

        Columns: reason (a sentence), share (of what raises the risk above the usual), value, usual.
        Raises BadInputError where nothing was decided by then.
        """
        data = self.data.data
        places = np.flatnonzero(self.data.keys == device)
        hours = (time - data.start) / HOUR
        rows = np.flatnonzero(np.isin(data.device, places) & (data.moment <= hours))
        if not len(rows):
            raise BadInputError(f"device: {device!r} has no decision up to {time}")
        newest = data.values[rows[-1:]]
        vocabulary, horizon_h = self.data.vocabulary, self.data.protocol.horizon_h
        found = explain(self.fitted.forecast, vocabulary, newest, self._usual(), horizon_h)[0]
        return pd.DataFrame(
            [
                {
                    "reason": str(each.text),
                    "share": each.share,
                    "value": str(each.value),
                    "usual": str(each.usual),
                }
                for each in found
            ],
            columns=["reason", "share", "value", "usual"],
        )

    def _within(self, values: NDArray[np.float32]) -> Floats:
        found: Floats = self.fitted.forecast.within(values, [self.data.protocol.horizon_h])[:, 0]
        return found

    def _usual(self) -> NDArray[np.float32]:
        medians = pd.DataFrame(self.data._values("learn")).median()
        usual: NDArray[np.float32] = medians.to_numpy(np.float32)
        return usual
