"""`forecall models ...`: what the models are, how good they are, and which of them is in charge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.table import Table

from domain.text import Text
from forecall.commands.store import OUT, ConfigOption, actor, say, store

app = typer.Typer(help="Models: list, compare, promote, take back.")

ModelId = Annotated[int, typer.Argument(metavar="ID", help="As `forecall models` lists it.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the audit.", prompt=True)]

_FIGURES = (
    ("precision", ".3f"),
    ("recall", ".3f"),
    ("f1", ".3f"),
    ("pr_auc", ".3f"),
    ("roc_auc", ".3f"),
    ("brier", ".4f"),
    ("failures", "d"),
    ("warned", "d"),
    ("median_lead_h", ".1f"),
    ("episodes", "d"),
    ("false_episodes", "d"),
    ("false_per_device_month", ".3f"),
    ("cost", ".0f"),
)
_BESIDE = {"test": "model", "rule": "best rule", "logistic": "straight line"}


@app.callback(invoke_without_command=True)
def models(context: typer.Context, config: ConfigOption = None) -> None:
    """List the models (`forecall models list` does it too)."""
    if context.invoked_subcommand is None:
        list_(config)


@app.command("list")
def list_(config: ConfigOption = None) -> None:
    """List the models with the figures of their held-out period."""
    from models.registry.catalogue import listing

    with store(config) as installation, installation.database.transaction() as conn:
        rows = listing(conn)
    table = Table("Id", "Task", "Stage", "Trained", "Warned", "Cost", "Rule's cost", box=None)
    table.columns[1].no_wrap = True
    for row in rows:
        test, rule = row["metrics"]["test"], row["metrics"]["rule"]
        table.add_row(
            str(row["id"]),
            row["task"],
            row["stage"],
            f"{row['trained_at']:%Y-%m-%d}",
            f"{test['warned']} of {test['failures']}",
            f"{test['cost']:.0f}",
            f"{rule['cost']:.0f}",
        )
    OUT.print(table if rows else "There are no models; `forecall train` makes them.")


@app.command()
def show(model_id: ModelId, config: ConfigOption = None) -> None:
    """Show a model's figures beside those of the baselines, and what the gate said."""
    from models.registry.catalogue import entry

    with store(config) as installation, installation.database.transaction() as conn:
        row = entry(conn, model_id)
    say(
        f"Model {row['id']}, {row['task']}, {row['stage']}; foretells {row['horizon_h']:g} h, "
        f"warns from {row['threshold']:.2f}"
    )
    say(f"Learned from {_period(row, 'train')}; judged on {_period(row, 'test')}")
    columns = {
        title: row["metrics"][name] for name, title in _BESIDE.items() if name in row["metrics"]
    }
    OUT.print(_side_by_side(columns))
    if "text" in row["metrics"]["rule"]:
        say(f"Best rule: {row['metrics']['rule']['text']}")
    for check in row["gate"].get("checks", []):
        say(f"{'ok   ' if check['passed'] else 'NO   '} {Text.from_json(check['said'])}")


@app.command()
def compare(first: ModelId, second: ModelId, config: ConfigOption = None) -> None:
    """Show the figures of two models of one task side by side: each of its own held-out period, and
    of what both foretold at the same moments, by what is known now to have come of it."""
    from domain.errors import BadInputError
    from models.live.outcomes import LOOK_BACK, outcomes
    from models.live.shadow import side_by_side
    from models.registry.catalogue import entry

    with store(config) as installation, installation.database.transaction() as conn:
        rows = [entry(conn, model_id) for model_id in (first, second)]
        now = installation.clock.now()
        settled = outcomes(conn, now - LOOK_BACK, now)
        lived = side_by_side(conn, rows[0], rows[1], settled, now)
    if rows[0]["task"] != rows[1]["task"]:
        raise BadInputError(
            f"models {first} and {second}: of {rows[0]['task']} and {rows[1]['task']}; two of one "
            "task are wanted"
        )
    for row in rows:
        say(f"Model {row['id']}, {row['stage']}: judged on {_period(row, 'test')}")
    names = [f"model {row['id']}" for row in rows]
    OUT.print(
        _side_by_side({n: row["metrics"]["test"] for n, row in zip(names, rows, strict=True)})
    )
    if lived is None:
        say("Of what both foretold at the same moments nothing is over yet.")
        return
    say(f"At work, asked at the same moments {lived.since:%Y-%m-%d} to {lived.until:%Y-%m-%d}:")
    both = (lived.first.to_json(), lived.second.to_json())
    OUT.print(_side_by_side(dict(zip(names, both, strict=True))))


@app.command()
def promote(model_id: ModelId, reason: Reason, config: ConfigOption = None) -> None:
    """Put a model in charge of its task, whatever the gate said."""
    from models.registry import stages

    with store(config) as installation, installation.database.transaction() as conn:
        stages.promote(conn, installation.clock, model_id, actor=actor(), reason=reason)
    say(f"Model {model_id} is in charge.")


@app.command()
def challenge(model_id: ModelId, reason: Reason, config: ConfigOption = None) -> None:
    """Let a model score in shadow beside its champion: stored, never acted on."""
    from models.registry import stages

    with store(config) as installation, installation.database.transaction() as conn:
        stages.challenge(conn, installation.clock, model_id, actor=actor(), reason=reason)
    say(f"Model {model_id} scores in shadow.")


@app.command()
def retire(model_id: ModelId, reason: Reason, config: ConfigOption = None) -> None:
    """Take a model out of use. A task without a champion is not foretold."""
    from models.registry import stages

    with store(config) as installation, installation.database.transaction() as conn:
        stages.retire(conn, installation.clock, model_id, actor=actor(), reason=reason)
    say(f"Model {model_id} is retired.")


@app.command()
def rollback(
    task: Annotated[str, typer.Argument(help="Such as kiosk/receiptPrinter.")],
    reason: Reason,
    config: ConfigOption = None,
) -> None:
    """Put the champion before the present one in charge again."""
    from models.registry import stages

    with store(config) as installation, installation.database.transaction() as conn:
        model_id = stages.rollback(conn, installation.clock, task, actor=actor(), reason=reason)
    say(f"Model {model_id} is in charge of {task} again.")


def _side_by_side(columns: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table("", *columns, box=None)
    for name, form in _FIGURES:
        cells = [_cell(figures.get(name), form) for figures in columns.values()]
        table.add_row(name.replace("_", " "), *cells)
    return table


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _period(row: Mapping[str, Any], which: str) -> str:
    return f"{row[which + '_from']:%Y-%m-%d} to {row[which + '_until']:%Y-%m-%d %H:%M}"
