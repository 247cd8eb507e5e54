"""Print carrier phrases that the queries of a night suggest, for a person to add to the grammar. It changes nothing."""

from __future__ import annotations

import hydra
from omegaconf import DictConfig

from lake.tables.nightly import WORDINGS
from night.command import run_command
from night.night import Done, Night, run_alone
from queries.grammar.constraints import mentions
from queries.grammar.lexicon import load_lexicon
from queries.nightly.proposals import proposals


def run(night: Night) -> Done:
    """Add one note per language and phrase; only public queries are used, so that no phrase comes from one person alone."""
    count = 0
    read = night.lake.read(WORDINGS, [night.run_date], allow_unvalidated=True)
    lexicon = load_lexicon()
    for language in ("en", "es"):
        rows = read.where((read["locale"] == language) & read["is_public"]).select("query", "stripped", "searches_28d")
        asked = [(str(r[0]), str(r[1]), int(r[2])) for r in rows.collect()]
        for one in proposals(asked, lambda phrase: bool(mentions(phrase, lexicon))):
            count += 1
            where = "before" if one.place == "prefix" else "after"
            night.notes.append(
                f"{language} {one.place} “{one.phrase}”: {where} {one.requests:,} requests that are asked without it, too "
                f"({one.share:.0%} of those with it; such as “{one.example}”)"
            )
    return Done(rows_out=count, note="add what reads like a carrier phrase to queries/data/carrier.v1.json")


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("propose_carriers", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.propose_carriers")
