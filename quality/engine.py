"""Great Expectations, closed and quiet: no analytics, no progress bars, nothing kept but the Data Docs."""

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

from quality.pages import index_page, offline
from quality.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations import ExpectationSuite
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext

SITE = "playfirst"
# counts of broken rows, never the rows: SUMMARY, the default, would put raw values into the Data Docs
RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 0, "include_unexpected_rows": False}


def import_ahead() -> None:
    """Import the library in a thread of its own: it takes 3 to 6 s, in which Spark can count. Whoever needs it waits for the import."""
    _closed()
    Thread(target=import_module, args=("great_expectations",), daemon=True).start()


def _closed() -> None:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.ERROR)


def great_expectations() -> ModuleType:
    """The library, its analytics switched off before the import."""
    _closed()
    with quiet():
        import great_expectations as gx

    return gx  # type: ignore[no-any-return, unused-ignore]


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings of the library on the operator's terminal; errors pass."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@dataclass
class GateContext:
    """One night's Great Expectations: suites and results in memory, Data Docs under `docs_dir` (one folder a night)."""

    docs_dir: Path
    verdicts: list[Verdict] = field(default_factory=list, repr=False)
    added: set[str] = field(default_factory=set, repr=False)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    counting_s: float = 0.0  # seconds that Spark counted so far
    expectations_s: float = 0.0  # and that Great Expectations took, its import and pages included

    @property
    def index(self) -> Path:
        """The page to open, once `write_data_docs` has run."""
        return self.docs_dir.resolve() / "index.html"

    @cached_property
    def gx(self) -> EphemeralDataContext:
        """The context, made when the first table is judged."""
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
        """Judge a frame by a suite; the result is kept for the Data Docs under the partition's name."""
        gx = great_expectations()
        from great_expectations.core.run_identifier import RunIdentifier

        with quiet():
            if suite.name not in {a.name for a in self._source.assets}:
                self._source.add_dataframe_asset(suite.name).add_batch_definition_whole_dataframe("whole")
            batch = self._source.get_asset(suite.name).get_batch_definition("whole")
            definition = gx.ValidationDefinition(name=f"{suite.name} @ {partition}", data=batch, suite=suite)
            # add_or_update compares every two expectations: 10 s for 270 of them
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
    """The partition's name as a folder of the Data Docs (`all` for the `*` of an unpartitioned table)."""
    return re.sub(r"[^\w.-]+", "_", partition).strip("_") or "all"


def write_data_docs(context: GateContext) -> Path:
    """Write the pages of everything judged so far, once for all tables; the path of `index.html`.

    Great Expectations' pages want scripts, styles and pictures from six foreign servers, and without them its index
    is blank. Operators' machines may be closed: the pages are made to stand alone, and the index is ours.
    """
    begun = time.perf_counter()
    context.docs_dir.mkdir(parents=True, exist_ok=True)
    with quiet():
        context.gx.build_data_docs(site_names=[SITE])
    shutil.rmtree(context.docs_dir / "static", ignore_errors=True)  # fonts and pictures that no page shows any more
    pages = [p for part in ("validations", "expectations") for p in sorted((context.docs_dir / part).rglob("*.html"))]
    for page in pages:
        page.write_text(offline(page.read_text("utf-8")), "utf-8")
    links: dict[tuple[str, str], str] = {}
    for verdict in context.verdicts:
        where = context.docs_dir / "validations" / verdict.table / folder(verdict.partition)
        if written := sorted(where.rglob("*.html")):
            links[verdict.table, verdict.partition] = written[-1].relative_to(context.docs_dir).as_posix()
    context.index.write_text(index_page(context.verdicts, links, context.started), "utf-8")
    context.expectations_s += time.perf_counter() - begun
    return context.index
