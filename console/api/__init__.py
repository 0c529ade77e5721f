"""The REST API, version 1: with a program's token, or the console's own login."""

from __future__ import annotations

from fastapi import APIRouter

from console.api import attendance, cases, docs, fleet, measures, promises, reports, review

router = APIRouter()
router.include_router(docs.router)
for part in (fleet, measures, cases, promises, attendance, reports, review):
    router.include_router(part.router, prefix="/api/v1")
