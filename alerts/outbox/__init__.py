"""The transactional outbox: what happened to a case is told in the transaction that changes it.

A change that is rolled back was never told, and one that is committed is never forgotten. Workers
turn announcements into deliveries and send those.
"""

from alerts.outbox.announcing import Announcement, Topic, announce, announce_many

__all__ = ["Announcement", "Topic", "announce", "announce_many"]
