"""The features of the fleet of late, as they were asked about."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from models.data.dataset import frame_decisions
from pipeline.features.store import load_frames, load_peers
from pipeline.features.vocabulary import Vocabulary
from storage.database import Conn
from storage.queries import load

SPAN = timedelta(days=7)
_EVERY_H = 11.0  # not in step with the day
_MOST_DEVICES = 200


def recent_values(
    conn: Conn, kind: str, vocabulary: Vocabulary, now: datetime
) -> tuple[NDArray[np.float32], int]:
    """((rows, features) values, how many devices they are of): a sample of the last days."""
    rows = conn.execute(load("models")["devices"], {"kind": kind}).fetchall()
    ids = np.array([row["id"] for row in rows], np.int64)
    if len(ids) > _MOST_DEVICES:
        ids = np.sort(np.random.default_rng(0).choice(ids, _MOST_DEVICES, replace=False))
    start = now - SPAN - timedelta(hours=vocabulary.lookback_h)
    peers = load_peers(conn, ids.tolist(), vocabulary.peers, start, now)
    frames = load_frames(conn, ids.tolist(), start, now, peers)
    until = frames.hours_at(now)
    moments = np.arange(until - SPAN / timedelta(hours=1), until, _EVERY_H)
    data = frame_decisions(frames, np.floor(moments), vocabulary)
    return data.values, len(np.unique(data.device))
