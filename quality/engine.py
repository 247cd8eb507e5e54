"""Great Expectations without analytics, progress bars and stored results: only its Data Docs pages are kept."""

from __future__ import annotations

import logging
import os
import re
import shutil
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from importlib import import_module
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import TYPE_CHECKING, Any

from lake.store import write_file
from quality.pages import index_page, offline
from quality.record import Entry, NightRecord

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations import ExpectationSuite
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext

SITE = "playfirst"
RUN_FOLDER = "%Y%m%dT%H%M%S.%fZ"  # how Great Expectations names the folder with a run's pages
# counts of broken rows, never the rows: the default, SUMMARY, would put raw values into the Data Docs
RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 0, "include_unexpected_rows": False}


def import_ahead() -> None:
    """Import the library in a background thread: the import takes 3 to 6 s, in which Spark can count.

    A later import of it waits for the thread.
    """
    _disable_analytics()
    Thread(target=import_module, args=("great_expectations",), daemon=True).start()


def _disable_analytics() -> None:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.ERROR)


def great_expectations() -> ModuleType:
    """The library, imported with its analytics switched off."""
    _disable_analytics()
    with quiet():
        import great_expectations as gx

    return gx  # type: ignore[no-any-return, unused-ignore]


@contextmanager
def quiet() -> Iterator[None]:
    """Hide the library's warnings from the operator's terminal; errors are still raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@dataclass
class GateContext:
    """Great Expectations for one gate: suites and results in memory, Data Docs under `docs_dir` (one folder per night)."""

    docs_dir: Path
    added: set[str] = field(default_factory=set, repr=False)  # names of suites and definitions in the context
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    counting_s: float = 0.0  # seconds spent so far on counting in Spark
    expectations_s: float = 0.0  # seconds spent so far in Great Expectations, with its import and pages

    @property
    def index(self) -> Path:
        """The page to open; it exists once `write_data_docs` has run."""
        return self.docs_dir.resolve() / "index.html"

    @cached_property
    def gx(self) -> EphemeralDataContext:
        """The library's context; it is created when the first table is judged."""
        gx = great_expectations()
        from great_expectations.data_context.types import base

        config = base.DataContextConfig(
            store_backend_defaults=base.InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
            data_docs_sites={
                SITE: {
                    "class_name": "SiteBuilder",
                    "show_how_to_buttons": False,
                    "store_backend": {
                        "class_name": "TupleFilesystemStoreBackend",
                        "base_directory": str(self.docs_dir.resolve()),
                    },
                    "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
                }
            },
            analytics_enabled=False,
            progress_bars=base.ProgressBarsConfig(globally=False, metric_calculations=False),
        )
        return gx.get_context(project_config=config, mode="ephemeral")  # type: ignore[no-any-return, unused-ignore]

    def run(self, suite: ExpectationSuite, frame: pd.DataFrame, partition: str) -> ExpectationSuiteValidationResult:
        """Validate a frame with a suite; the result is kept in memory for the Data Docs.

        Args:
            suite: The expectations.
            frame: The counts to validate, as from `quality.suite.broken_rows`.
            partition: The partition's name, under which the Data Docs show the result.
        """
        gx = great_expectations()
        from great_expectations.core.run_identifier import RunIdentifier

        with quiet():
            if suite.name not in {a.name for a in self._source.assets}:
                self._source.add_dataframe_asset(suite.name).add_batch_definition_whole_dataframe("whole")
            batch = self._source.get_asset(suite.name).get_batch_definition("whole")
            definition = gx.ValidationDefinition(name=f"{suite.name} @ {partition}", data=batch, suite=suite)
            # add_or_update compares all pairs of expectations: 10 s for 270 of them
            self._replace(self.gx.suites, suite)
            self._replace(self.gx.validation_definitions, definition)
            run_id = RunIdentifier(folder(partition), self.started)
            result: ExpectationSuiteValidationResult = definition.run(
                batch_parameters={"dataframe": frame}, result_format=RESULT_FORMAT, run_id=run_id
            )
        return result

    def _replace(self, kind: Any, item: Any) -> None:
        if item.name in self.added:
            kind.delete(item.name)
        kind.add(item)
        self.added.add(item.name)

    @cached_property
    def _source(self) -> Any:
        return self.gx.data_sources.add_pandas("counted")


def folder(partition: str) -> str:
    """The partition's name as a folder name of the Data Docs; `all` for an unpartitioned table, whose partition is `*`."""
    return re.sub(r"[^\w.-]+", "_", partition).strip("_") or "all"


def write_data_docs(context: GateContext, record: NightRecord) -> Path:
    """Write the pages of everything that this gate judged, once for all tables, and the index page of the whole night.

    Great Expectations' pages load scripts, styles and pictures from six external servers, and without them its index is blank.
    Operators' machines may have no network access. Therefore the pages are rewritten to need no other server, and the index is
    our own. Pages of the night's earlier gates stay and stay linked, except those of superseded verdicts.

    Args:
        context: The context that judged.
        record: The night's record, with this gate's verdicts; it receives their pages.

    Returns:
        Path of the index page.
    """
    started = time.perf_counter()
    docs, unlinked = context.docs_dir, list[Path]()
    if context.added:  # otherwise only empty partitions were judged
        docs.mkdir(parents=True, exist_ok=True)
        with quiet():
            # its own index is blank, and building it would remove the pages of all earlier gates
            context.gx.build_data_docs(site_names=[SITE], build_index=False)
        shutil.rmtree(docs / "static", ignore_errors=True)  # fonts and pictures, which the rewritten pages do not use
        for page in [p for part in ("validations", "expectations") for p in sorted((docs / part).rglob("*.html"))]:
            if (text := page.read_text("utf-8")) != (rewritten := offline(text)):
                write_file(page, rewritten.encode())
        run = context.started.strftime(RUN_FOLDER)

        def page_of(entry: Entry) -> str | None:
            pages = sorted((docs / "validations" / entry.table / folder(entry.partition) / run).rglob("*.html"))
            return pages[-1].relative_to(docs).as_posix() if pages else None

        record.link(page_of)
        # partitions that failed when judged together were judged again one by one: the pages of the joint result are not linked
        unlinked = [p for f in docs.glob(f"validations/*/*/{run}") for p in f.rglob("*.html")]
    write_index(record)
    linked = {docs / e.page for e in record.entries if e.page}
    for page in {*unlinked, *(docs / p for p in record.superseded)} - linked:
        _remove(page, docs / "validations")
    context.expectations_s += time.perf_counter() - started
    return context.index


def write_index(record: NightRecord) -> None:
    """Write the night's index page, unless the stored page already has the same content."""
    index = record.folder / "index.html"
    text = index_page(record.folder.name, record.entries)
    if not index.exists() or index.read_text("utf-8") != text:
        write_file(index, text.encode())


def _remove(page: Path, top: Path) -> None:
    """Remove a page, and those of its parent folders under `top` that are empty then."""
    page.unlink(missing_ok=True)
    for parent in page.parents:
        if parent == top or not parent.exists() or any(parent.iterdir()):
            return
        parent.rmdir()
