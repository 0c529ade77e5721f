"""Reports as downloads."""

from __future__ import annotations

from fastapi.responses import Response

from kpi.reports.archive import Entry
from kpi.reports.render import MEDIA


def as_download(entry: Entry, file: bytes) -> Response:
    """A file to be kept: never shown within the console's own pages."""
    headers = {
        "Content-Disposition": f'attachment; filename="{entry.file_name}"',
        "ETag": f'"{entry.file_sha256}"',
    }
    return Response(file, media_type=MEDIA[entry.format], headers=headers)
