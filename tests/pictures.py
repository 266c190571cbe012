"""``make pictures``: take the screenshots of the documents anew, from the running product.

The tests that follow the guides take them (`picture`); those that a document shows are kept in
``docs/images``, in few colours so that they are small.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs/images"
COLORS = 96
SHRINK = """
import sys
from PIL import Image
source, target, colors = sys.argv[1:]
image = Image.open(source).convert("RGB").quantize(int(colors), dither=Image.Dither.NONE)
image.save(target, optimize=True)
"""


def shown() -> set[str]:
    """Return the names of the pictures that documents show."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    return set(re.findall(r"!\[[^\]]*\]\([^)]*images/([\w.-]+)\)", text))


def tests() -> list[str]:
    """Return the test files that take one of them."""
    stems = {name.rpartition("-")[0] for name in shown()}
    files = sorted((ROOT / "tests/system").glob("test_*.py"))
    return [
        str(file.relative_to(ROOT))
        for file in files
        if any(f'"{stem}"' in file.read_text(encoding="utf-8") for stem in stems)
    ]


def main() -> int:
    """Run those tests and keep the pictures; exit code 1 if one was not taken."""
    IMAGES.mkdir(exist_ok=True)
    for name in shown():
        # A test that runs the tests of the documents must find the new ones, too.
        (IMAGES / name).touch()
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests()],
            cwd=ROOT,
            env={**os.environ, "SPINEBOT_TEST_PICTURES": folder},
            check=False,
        )
        taken = {path.name: path for path in Path(folder).glob("*.png")}
        for name in sorted(shown() & set(taken)):
            # Rasa's environment has a library for pictures.
            subprocess.run(
                [".venv/rasa/bin/python", "-c", SHRINK, taken[name], IMAGES / name, str(COLORS)],
                cwd=ROOT,
                check=True,
            )
        missing = sorted(shown() - set(taken))
    for path in IMAGES.iterdir():
        if path.name not in shown() or not path.stat().st_size:
            path.unlink()
    if missing:
        print(f"not taken: {', '.join(missing)}", file=sys.stderr)
    return 1 if missing or done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
