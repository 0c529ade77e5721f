"""Static files. What is asked for by its fingerprint never changes, so browsers may keep it."""

from __future__ import annotations

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_FOR_EVER = "public, max-age=31536000, immutable"
_CHECK = "no-cache"  # may be kept, but is asked about each time


class FingerprintedFiles(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        fingerprinted = scope["query_string"].startswith(b"v=")
        response.headers["Cache-Control"] = _FOR_EVER if fingerprinted else _CHECK
        return response
