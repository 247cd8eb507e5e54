"""OpenLineage events of a run, made from its record: what each step read and wrote, with columns, rows, and the origin of features.

One START and one COMPLETE or FAIL event for each step that worked, in the form of the OpenLineage specification 2-0-2
(https://openlineage.io/spec/2-0-2/OpenLineage.json) with the facets schema, outputStatistics, columnLineage and errorMessage.
"""

from __future__ import annotations

import json
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any

from features.build.audit import CURVE, LISTENER, POPULARITY, STRENGTH, TILE, VECTOR, sources_of
from features.build.engine import asked_sums
from features.catalogue import columns, feature_table
from lake.schema import Table
from lake.tables.daily import DAILY_ENGAGEMENT
from night.tables import all_tables

PRODUCER = "https://github.com/playfirst/playfirst"
SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
FACETS = "https://openlineage.io/spec/facets"
NAMESPACE = "playfirst"
TIMEOUT_S = 20
SOURCE_TABLES = {  # fitted or stored input of a feature (`features.build.audit`) -> its table
    CURVE: "exposure_curves",
    LISTENER: "listener_tiles",
    TILE: "engagement_tiles",
    VECTOR: "vectors",
    POPULARITY: "tracks",
    STRENGTH: "backoff_strengths",
}


def events_of(record: Mapping[str, Any], root: str) -> list[dict[str, Any]]:
    """The events of a run, in order of time.

    Args:
        record: the record of the run (`night.runs.record_of`).
        root: the lake's root, which names the namespace of its tables.
    """
    tables = {t.name: t for t in all_tables()}
    events: list[dict[str, Any]] = []
    for step in record["steps"]:
        if step["skipped"]:
            continue
        nominal = {"nominalStartTime": f"{record['run_date']}T00:00:00Z"} | _facet("NominalTimeRunFacet", "1-0-1")
        inputs = [_dataset(tables[name], root) for name in _names(step["read"]) if name in tables]
        outputs = [_output(tables[name], root, step) for name in _names(step["written"]) if name in tables]
        for kind, at in (("START", step["started"]), ("COMPLETE", step["ended"])):
            events.append(_event(kind, at, record, step["step"], {"nominalTime": nominal}, inputs, outputs))
    if record["failure"] and record.get("failed_step"):
        message = {"message": record["failure"], "programmingLanguage": "PYTHON"}
        facets = {"errorMessage": message | _facet("ErrorMessageRunFacet", "1-0-1")}
        events.append(_event("FAIL", record["ended"], record, record["failed_step"], facets, [], []))
    return events


def send(events: Sequence[Mapping[str, Any]], target: str) -> str:
    """Append the events to a file as JSON lines, or POST each to an HTTP endpoint.

    Returns:
        How many were sent, in words; also if one could not be sent: then the later ones are not tried, and the night goes on.
    """
    sent = 0
    try:
        if target.startswith(("http://", "https://")):
            for event in events:
                _post(event, target)
                sent += 1
        else:
            file = Path(target)
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a", encoding="utf-8") as stream:
                for event in events:
                    stream.write(json.dumps(event, sort_keys=True) + "\n")
                    sent += 1
    except (OSError, ValueError, HTTPException) as error:  # OSError: also HTTPError
        why = str(error) or type(error).__name__
        return f"{sent} of {len(events)} OpenLineage events sent: nightly.lineage={target}: {why}. The night is not changed by it."
    return f"{sent} OpenLineage events sent to {target}"


def _post(event: Mapping[str, Any], target: str) -> None:
    request = urllib.request.Request(
        target, json.dumps(event).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_S):
        return


def _event(
    kind: str,
    at: str,
    record: Mapping[str, Any],
    step: str,
    facets: Mapping[str, Any],
    inputs: Sequence[Mapping[str, Any]],
    outputs: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """One event of a step. The same run and step give the same run id, so that an event that is sent twice counts once."""
    run_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{PRODUCER}/{record['run_id']}/{step}"))
    return {
        "eventType": kind,
        "eventTime": at,
        "run": {"runId": run_id, "facets": facets},
        "job": {"namespace": NAMESPACE, "name": f"night.{step}", "facets": {}},
        "inputs": inputs,
        "outputs": outputs,
        "producer": PRODUCER,
        "schemaURL": SPEC,
    }


def _names(used: Sequence[Sequence[str]]) -> list[str]:
    return sorted({table for table, _ in used})


def _dataset(table: Table, root: str) -> dict[str, Any]:
    fields = [{"name": c.name, "type": c.type, "description": c.meaning} for c in table.columns]
    schema = {"fields": fields} | _facet("SchemaDatasetFacet", "1-2-0")
    return {"namespace": root, "name": table.name, "facets": {"schema": schema}}


def _output(table: Table, root: str, step: Mapping[str, Any]) -> dict[str, Any]:
    dataset = _dataset(table, root)
    rows = step["rows_by_table"].get(table.name)
    if rows is not None:
        dataset["outputFacets"] = {
            "outputStatistics": {"rowCount": rows} | _facet("OutputStatisticsOutputDatasetFacet", "1-0-2")
        }
    if lineage := _columns_of(table, root):
        dataset["facets"]["columnLineage"] = {"fields": lineage} | _facet("ColumnLineageDatasetFacet", "1-2-0")
    return dataset


def _columns_of(table: Table, root: str) -> dict[str, Any]:
    """Column -> the tables from which a feature is computed, as far as its declaration says."""
    grains = [g for g in ("need_track", "need", "track") if feature_table(g).name == table.name]
    if not grains:
        return {}
    counted, out = {c.name for c in DAILY_ENGAGEMENT.columns}, dict[str, Any]()
    for column in columns():
        if column.feature.grain != grains[0]:
            continue
        measures = sorted({s.measure for s in asked_sums([column])[0]} & counted)
        used = [(DAILY_ENGAGEMENT.name, name) for name in measures]
        used += [(SOURCE_TABLES[s], "*") for s in sorted(sources_of(column))]
        # what is made of neither is a fact of the catalog or of the need
        used = used or [("tracks", "*")] if grains[0] != "need" else used or [("needs", "*")]
        out[column.name] = {"inputFields": [{"namespace": root, "name": t, "field": f} for t, f in used]}
    return out


def _facet(name: str, version: str) -> dict[str, str]:
    return {"_producer": PRODUCER, "_schemaURL": f"{FACETS}/{version}/{name}.json#/$defs/{name}"}
