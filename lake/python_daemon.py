"""The process from which Spark forks its Python workers: PySpark's own, which does not read archives anew for every task.

PySpark clears the caches of the import system before each task. For a zip or a JAR on the import path that means to read its whole
directory again: together .3 s a task, more than most tasks take. Spark puts its own JAR there, which has no Python, and PySpark's
zip for machines without PySpark: it is taken off the path where a folder on it has the same packages. Spark starts this module by its
option `spark.python.daemon.module`.
"""

import importlib.machinery
import sys
from pathlib import Path

ARCHIVES = (".zip", ".jar")


def without_archives(path: list[str]) -> list[str]:
    """The import path without JARs, and without the zips of packages that a folder on it has, too.

    Args:
        path: as `sys.path`.
    """
    folders = [one for one in path if not one.endswith(ARCHIVES)]

    def is_needed(archive: str) -> bool:
        package = Path(archive).name.split("-")[0].removesuffix(".zip")
        return archive.endswith(".zip") and importlib.machinery.PathFinder.find_spec(package, folders) is None

    return [one for one in path if one in folders or is_needed(one)]


if __name__ == "__main__":
    gone = set(sys.path) - set(kept := without_archives(sys.path))
    sys.path[:] = kept
    for place in [one for one in sys.path_importer_cache if one.startswith(tuple(gone))]:
        del sys.path_importer_cache[place]
    from pyspark.daemon import manager

    manager()  # type: ignore[no-untyped-call]
