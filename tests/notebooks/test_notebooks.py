"""The notebooks run from top to bottom, warnings being errors, and are the same as their scripts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import jupytext
import nbformat as untyped_nbformat
import pytest
from nbclient import NotebookClient

from tests.notebooks.conftest import PASSWORD

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
RUNNING = ("06", "07", "08")
"""Those that look at a running system; the others make what they need in a folder."""
_LIMIT_S = 300
nbformat: Any = untyped_nbformat
_STRICT = "import warnings\n\nwarnings.simplefilter('error')"
_AT_EASE = "warnings.simplefilter('default')"


def _cells(notebook: Any) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def test_they_are_numbered_and_each_has_its_script() -> None:
    assert [path.stem[:2] for path in NOTEBOOKS] == [f"{number:02}" for number in range(1, 9)]
    assert [path.stem for path in NOTEBOOKS] == sorted(
        path.stem for path in (ROOT / "notebooks").glob("*.py")
    )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_its_script_and_keeps_no_output(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    script = jupytext.read(path.with_suffix(".py"))
    assert _cells(notebook) == _cells(script), "run: jupytext --to ipynb notebooks/*.py"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the notebooks make; a later one finds what an earlier one has made."""
    return tmp_path_factory.mktemp("lab")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path: Path, folder: Path, store: str) -> None:
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(_STRICT))
    settings = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(notebook, timeout=_LIMIT_S, kernel_name="python3", resources=settings)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FORECALL_")}
    notebook.cells.append(nbformat.v4.new_code_cell(_AT_EASE))  # Jupyter's own end warns
    own = {"FORECALL_LAB": str(folder), "PYTHONPATH": str(ROOT)}
    login = {"FORECALL_DATABASE_DSN": store, "FORECALL_READER_PASSWORD": PASSWORD}
    running = path.stem[:2] in RUNNING
    client.execute(env=kept | own | (login if running else {}))
    drawn = [
        output
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    assert drawn, "a notebook shows at least one chart"
