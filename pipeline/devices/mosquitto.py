"""Mosquitto's password file and access list, with other people's lines left as they are."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pipeline.devices.rights import Login

HEAD = "# Devices' lines are written by `forecall devices`; others are left as they are.\n"


def password_file(present: str, logins: Sequence[Login]) -> str:
    """`present` with the lines of `logins` brought up to date; revoked ones are taken out."""
    ours = {login.username for login in logins}
    kept = [line for line in present.splitlines() if line and line.split(":", 1)[0] not in ours]
    new = [f"{login.username}:{login.secret}" for login in logins if not login.revoked]
    return "".join(f"{line}\n" for line in (*kept, *new))


def acl_file(present: str, logins: Sequence[Login]) -> str:
    """`present` with the sections of `logins` brought up to date; revoked ones are taken out."""
    kept = _without(present.removeprefix(HEAD), {login.username for login in logins})
    sections = [_section(login) for login in logins if not login.revoked]
    return HEAD + "".join(f"{part.strip()}\n\n" for part in (*kept, *sections) if part.strip())


def _section(login: Login) -> str:
    lines = [f"user {login.username}"]
    lines += [f"topic write {topic}" for topic in login.rights.publishes]
    lines += [f"topic read {topic}" for topic in login.rights.hears]
    return "\n".join(lines)


def _without(text: str, users: Collection[str]) -> list[str]:
    """The text's sections - a `user` line and what follows it - but for those of `users`.

    What stands before the first `user` line counts for all; it stays first.
    """
    sections: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("user "):
            sections.append([])
        sections[-1].append(line)
    return [
        "\n".join(section)
        for section in sections
        if not section or section[0].removeprefix("user ").strip() not in users
    ]
