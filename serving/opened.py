"""One open release: its checks, its memory map, its lock against pruning, and the lookup."""

import fcntl
import os
import weakref
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from queries.grammar.bundle import read_bundle
from queries.grammar.lexicon import Lexicon
from queries.text.carrier import CarrierGrammar, load_grammar, stripped
from queries.text.normalise import NORMAL_FORM_VERSION, normal_form
from serving.answer import Answer, AnsweredTrack, Explanation
from serving.by_need import NeedAnswers
from serving.by_wording import WordingAnswers
from serving.errors import NoRelease, ReleaseCorrupt
from serving.files import locked
from serving.layout import DATA_FILES, MANIFEST, MAX_REQUEST_CHARACTERS, RANKINGS, locale_chain
from serving.manifest import read_manifest
from serving.mapped import mapped, stored_track, value_of
from serving.matched import Matched, Tried
from serving.refused import is_refused, refused_parts
from serving.stamp import check_stamp
from serving.values import entry_key, texts
from serving.variants import Served, served_list
from serving.verify import release_folder

_CACHED_TRACKS = 100_000  # about 50 MB
_Track = tuple[str, str, tuple[str, ...]]  # track_id, title, artists

if TYPE_CHECKING:
    from serving.mapped import Txn


class OpenRelease:
    """An open release; it stays readable as long as this object exists, even if its folder is renamed or deleted."""

    def __init__(self, root: Path, release_id: str, least_confidence: float | None = None) -> None:
        """Lock the release against pruning, check the manifest and the VERIFIED stamp, and map the rankings.

        Args:
            root: the folder of the releases.
            release_id: the release.
            least_confidence: readings below it are misses, 0 to 1; default: what the release says.

        Raises NoRelease, ReleaseFormatUnknown, ReleaseCorrupt (ReleaseNotVerified without a valid stamp).
        """
        folder = release_folder(root, release_id)
        lease = _lease(folder)
        self._close = weakref.finalize(self, os.close, lease)
        self.manifest = read_manifest(folder)
        if self.manifest.release_id != release_id:
            raise ReleaseCorrupt(f"{folder}: its manifest says {self.manifest.release_id}. Run serving.release verify.")
        check_stamp(folder, self.manifest)
        self.release_id = release_id
        self.rankings = mapped(folder / RANKINGS)
        self._signature = self.rankings.signature()
        self._lexicon: Lexicon | None = None  # a release of format 1 has none
        self._carrier, self._answers = self._read_grammar(folder, least_confidence)
        self._tracks: dict[int, _Track] = {}

    def _read_grammar(self, folder: Path, least: float | None) -> "tuple[CarrierGrammar, WordingAnswers | NeedAnswers]":
        path = folder / DATA_FILES[self.rankings.format][0]
        try:
            if self.rankings.format == 1:
                carrier = load_grammar(path)
                return carrier, WordingAnswers(self.rankings, carrier)
            bundle = read_bundle(path.read_bytes(), path)
            self._lexicon = bundle.lexicon
            bundle = bundle if least is None else replace(bundle, least_confidence=least)
            return bundle.lexicon.grammar, NeedAnswers(self.rankings, bundle)
        except (OSError, ValueError) as error:
            raise ReleaseCorrupt(f"{path}: {error}. Update this reader, or roll back.") from None

    @property
    def notice(self) -> str | None:
        """A warning for the operator about a release that answers; None if there is none."""
        if self.manifest.normal_form_version == NORMAL_FORM_VERSION:
            return None
        return (
            f"release {self.release_id} has keys of normal form {self.manifest.normal_form_version}, this reader makes "
            f"form {NORMAL_FORM_VERSION}: some requests miss until the next night"
        )

    def is_at(self, root: Path) -> bool:
        """Whether the open files are still those in the release's folder; a damaged release may have been built again there."""
        return self.rankings.is_at(root / self.release_id / RANKINGS)

    def check_unchanged(self) -> None:
        """Raise ReleaseCorrupt if the mapped file was changed in place, because its answers could be wrong."""
        if self.rankings.signature() != self._signature:
            raise ReleaseCorrupt(
                f"release {self.release_id}: {RANKINGS} was changed while in use. Run serving.release rollback."
            )

    def lookup(
        self,
        raw_query: str,
        locale: str,
        now_s: float,
        max_age_h: float | None = None,
        explain: bool = False,
        unit: str | None = None,
    ) -> Answer:
        """Answer one request. docs/release-format.md has the order in which a release is looked through.

        A request of more than 1,000 characters is a miss.

        Args:
            raw_query: the request as said or typed.
            locale: BCP-47 name of the locale.
            now_s: the current time in seconds since 1970.
            max_age_h: age in hours from which the answer counts as stale; default: the limit in the manifest.
            explain: whether the answer gets an explanation.
            unit: who asks; chooses among the variants of the list. Without it, the list itself.

        Raises:
            ReleaseCorrupt: a value that was read has a wrong CRC32, or a page is damaged.
        """
        chain = locale_chain(locale)
        full = normal_form(raw_query, chain[0])
        tried: Tried = []
        match: Matched | None = None
        tracks: tuple[AnsweredTrack, ...] = ()
        explanation: Explanation | None = None
        served: Served | None = None
        try:
            with self.rankings.env.begin(buffers=True) as txn:
                if _can_be_asked(full):
                    match = self._answers.matched(txn, full, chain, tried)
                if match is not None:
                    served = served_list(txn, self.rankings.tables, self.release_id, match, unit)
                    tracks = self._answered(txn, served.ordinals, match)
                if explain:
                    shown = {track.track_id for track in tracks}
                    listed = served.ordinals if served is not None else ()
                    kept = [one for one in listed if self._track(txn, one)[0] in shown]
                    explanation = self._explanation(txn, full, chain[0], tried, match, kept)
        except ReleaseCorrupt as error:
            raise ReleaseCorrupt(f"release {self.release_id}: {error}") from None
        except self.rankings.broken as error:  # the CRC32 of the values does not cover page headers
            raise ReleaseCorrupt(f"release {self.release_id}: {error}. Run serving.release rollback.") from None
        age_s = max(0.0, now_s - self.manifest.built_at_s)
        return Answer(
            raw_query=raw_query,
            locale=locale,
            is_hit=bool(tracks),
            query=full,
            matched_by=match.by if match is not None and tracks else None,
            need=match.need if match is not None else None,
            dropped=match.dropped if match is not None else (),
            confidence=match.confidence if match is not None else 0.0,
            release_id=self.release_id,
            age_s=int(age_s),
            stale=self.is_stale(now_s, max_age_h),
            variant=served.variant if served is not None and tracks else None,
            propensity=served.propensity if served is not None and tracks else None,
            tracks=tracks,
            explanation=explanation,
        )

    def is_stale(self, now_s: float, max_age_h: float | None) -> bool:
        """Whether the release was built more than `max_age_h` (default: the limit in the manifest) before `now_s`."""
        limit_h = self.manifest.max_age_h if max_age_h is None else max_age_h
        return now_s - self.manifest.built_at_s > limit_h * 3600

    def _answered(self, txn: "Txn", ordinals: tuple[int, ...], match: Matched) -> tuple[AnsweredTrack, ...]:
        known, answered = self._tracks.get, []
        lexicon = self._lexicon
        refused = refused_parts(match.need) if match.need else []
        for ordinal, score in zip(ordinals, match.scores, strict=True):
            track_id, title, artists = known(ordinal) or self._read_track(txn, ordinal)  # `_track`, without its call
            if refused and lexicon is not None and any(is_refused(part, title, artists, lexicon) for part in refused):
                continue
            # the constructor of AnsweredTrack would take a quarter of the time of an answer
            answered.append(tuple.__new__(AnsweredTrack, (track_id, round(score, 9), title, artists)))
        return tuple(answered)

    def _track(self, txn: "Txn", ordinal: int) -> _Track:
        return self._tracks.get(ordinal) or self._read_track(txn, ordinal)

    def _read_track(self, txn: "Txn", ordinal: int) -> _Track:
        info = stored_track(txn, self.rankings.tables["tracks"], ordinal)
        fields = (info.track_id, info.title, info.artists)
        if len(self._tracks) < _CACHED_TRACKS:
            self._tracks[ordinal] = fields
        return fields

    def _explanation(
        self, txn: "Txn", full: str, locale: str, tried: Tried, match: Matched | None, answered: Sequence[int]
    ) -> Explanation:
        """The explanation of an answer with these tracks: the list has its reasons in its own order, a variant another one."""
        short = stripped(full, locale, self._carrier) if _can_be_asked(full) else ""
        steps = tuple(template.format(*values) for template, *values in tried)
        if match is None or match.entry is None:
            return Explanation(short, steps, None, ())
        key = entry_key(*match.entry)
        value = value_of(txn, self.rankings.tables["reasons"], key)
        reason = dict(zip(match.ordinals, texts(key, value) if value is not None else [], strict=False))
        given = [reason.get(ordinal, "") for ordinal in answered] if reason else []
        while given and not given[-1]:
            given.pop()
        return Explanation(short, steps, match.entry, tuple(given))


def _can_be_asked(full: str) -> bool:
    """False for an empty or over-long normal form, which is a miss without a lookup."""
    return 0 < len(full) <= MAX_REQUEST_CHARACTERS


def _lease(folder: Path) -> int:
    """A descriptor of manifest.json with a shared flock; prune does not delete the release until it is closed.

    The flock is on manifest.json itself, so that a reader without write permission can take it.
    """
    try:
        lease = os.open(folder / MANIFEST, os.O_RDONLY)
    except FileNotFoundError:
        raise ReleaseCorrupt(f"{folder / MANIFEST}: missing. Roll back, or build the release again.") from None
    still_there = locked(lease, fcntl.LOCK_SH) and (folder / MANIFEST).exists()
    if not still_there:
        os.close(lease)
        raise NoRelease(f"release {folder.name} is being deleted. See serving.release list.")
    return lease
