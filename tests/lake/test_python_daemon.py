"""Python workers do not read archives anew for every task."""

from __future__ import annotations

import zipfile
from pathlib import Path

from lake.python_daemon import without_archives


def test_archives_of_what_lies_in_a_folder_too_are_left_out(tmp_path: Path) -> None:
    folder, beside, needed = tmp_path / "packages", tmp_path / "here-1.2-src.zip", tmp_path / "nowhere.zip"
    (folder / "here").mkdir(parents=True)
    (folder / "here" / "__init__.py").touch()
    for archive in (beside, needed):
        with zipfile.ZipFile(archive, "w") as packed:
            packed.writestr("x.py", "")
    path = [str(beside), str(folder), str(tmp_path / "spark.jar"), str(needed)]
    assert without_archives(path) == [str(folder), str(needed)]
    assert without_archives([str(beside)]) == [str(beside)]  # nowhere else


def test_workers_have_no_archive_on_their_path(spark) -> None:
    def paths(batches):
        import sys

        import pandas as pd

        for _ in batches:
            yield pd.DataFrame({"path": sys.path})

    found = [row["path"] for row in spark.range(0, 1, 1, 1).mapInPandas(paths, "path string").collect()]
    assert found and not [one for one in found if one.endswith(".jar") or "pyspark.zip" in one]
