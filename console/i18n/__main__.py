"""`python -m console.i18n update`: re-extracts all sentences and merges them into the catalogues."""

from __future__ import annotations

import sys

from console.i18n.extract import update


def main(arguments: list[str]) -> int:
    if arguments != ["update"]:
        sys.stderr.write("usage: python -m console.i18n update\n")
        return 2
    missing = update()
    for code, sentences in missing.items():
        sys.stdout.write(f"{code}: {len(sentences)} to translate\n")
        sys.stdout.writelines(f"  {sentence}\n" for sentence in sentences)
    return 1 if any(missing.values()) else 0


sys.exit(main(sys.argv[1:]))
