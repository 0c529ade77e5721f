"""The REST API, version 1: reads only, with the console's own login."""

from __future__ import annotations

from fastapi import APIRouter

from console.api import attendance, cases, docs, fleet, measures

router = APIRouter()
router.include_router(docs.router)
for part in (fleet, measures, cases, attendance):
    router.include_router(part.router, prefix="/api/v1")
