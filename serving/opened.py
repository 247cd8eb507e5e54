"""One open release: checked, mapped, leased against pruning, and looked up."""

import fcntl
import os
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from queries.text.carrier import CarrierGrammar, load_grammar, stripped
from queries.text.normalise import NORMAL_FORM_VERSION, normal_form
from serving.answer import Answer, AnsweredTrack, Explanation, MatchedBy
from serving.errors import NoRelease, ReleaseCorrupt
from serving.files import locked
from serving.layout import GRAMMAR, MANIFEST, MAX_KEY_BYTES, MAX_REQUEST_CHARACTERS, RANKINGS, locale_chain
from serving.manifest import read_manifest
from serving.mapped import mapped
from serving.stamp import check_stamp
from serving.values import Ranking, entry_key, ranking, texts, track, track_key
from serving.verify import release_folder

_CACHED_TRACKS = 100_000  # about 50 MB
_Track = tuple[str, str, tuple[str, ...]]  # track_id, title, artists

if TYPE_CHECKING:
    import lmdb

    _Txn = lmdb.Transaction[memoryview]  # of buffers=True: values are views into the map


class OpenRelease:
    """A release that stays readable as long as anyone holds this object, whatever happens to its folder's name."""

    def __init__(self, root: Path, release_id: str) -> None:
        """Lease, check the manifest and the VERIFIED stamp, map.

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
        try:
            self._grammar: CarrierGrammar = load_grammar(folder / GRAMMAR)
        except ValueError as error:
            raise ReleaseCorrupt(f"{folder / GRAMMAR}: {error}. Update this reader, or roll back.") from None
        self._tracks: dict[int, _Track] = {}

    @property
    def notice(self) -> str | None:
        """Something an operator should know though the release answers."""
        if self.manifest.normal_form_version == NORMAL_FORM_VERSION:
            return None
        return (
            f"release {self.release_id} has keys of normal form {self.manifest.normal_form_version}, this reader makes "
            f"form {NORMAL_FORM_VERSION}: some requests miss until the next night"
        )

    def is_at(self, root: Path) -> bool:
        """Whether the folder of its name is the one that is open: a damaged release that is built again takes its place."""
        return self.rankings.is_at(root / self.release_id / RANKINGS)

    def check_unchanged(self) -> None:
        """Raise ReleaseCorrupt if the mapped file was changed in place: reading on could give wrong answers."""
        if self.rankings.signature() != self._signature:
            raise ReleaseCorrupt(
                f"release {self.release_id}: {RANKINGS} was changed while in use. Run serving.release rollback."
            )

    def lookup(
        self, raw_query: str, locale: str, now_s: float, max_age_h: float | None = None, explain: bool = False
    ) -> Answer:
        """Answer one request: full, stripped, then the alias table; each in the locale, its language, `*`.

        `now_s` is seconds since 1970; without `max_age_h` the release says itself when it is stale. A request of more than 1,000
        characters is a miss. Raises ReleaseCorrupt if a value on the way has a wrong CRC32, or a page is damaged.
        """
        chain = locale_chain(locale)
        full = normal_form(raw_query, chain[0])
        tried: list[str] = []
        try:
            with self.rankings.env.begin(buffers=True) as txn:
                hit = self._first_hit(txn, full, chain, tried if explain else None)
                tracks = self._answered(txn, hit[2]) if hit else ()
                explanation = self._explanation(txn, full, chain[0], tried, hit) if explain else None
        except self.rankings.broken as error:  # a page's own header is in no value's CRC32
            raise ReleaseCorrupt(f"release {self.release_id}: {error}. Run serving.release rollback.") from None
        age_s = max(0.0, now_s - self.manifest.built_at_s)
        return Answer(
            raw_query=raw_query,
            locale=locale,
            found=hit is not None,
            query=full,
            matched_by=hit[0] if hit else None,
            release_id=self.release_id,
            age_s=int(age_s),
            stale=self.is_stale(now_s, max_age_h),
            tracks=tracks,
            explanation=explanation,
        )

    def is_stale(self, now_s: float, max_age_h: float | None) -> bool:
        """Whether it was built more than `max_age_h` (or what it says itself) before `now_s`."""
        limit_h = self.manifest.max_age_h if max_age_h is None else max_age_h
        return now_s - self.manifest.built_at_s > limit_h * 3600

    def _steps(self, full: str, chain: tuple[str, ...]) -> Iterator[tuple[MatchedBy, str, str]]:
        if not _can_be_asked(full):
            return
        for locale in chain:
            yield "full", locale, full
        short = stripped(full, chain[0], self._grammar)
        by: Literal["stripped", "alias"]
        for by, names in (("stripped", (short,)), ("alias", (full, short))):
            for name in dict.fromkeys(names):
                if by == "alias" or name != full:
                    for locale in chain:
                        yield by, locale, name

    def _first_hit(
        self, txn: "_Txn", full: str, chain: tuple[str, ...], tried: list[str] | None
    ) -> tuple[MatchedBy, tuple[str, str], Ranking] | None:
        for by, locale, query in self._steps(full, chain):
            if tried is not None:
                tried.append(f"{by} ({locale}, {query})")
            key = entry_key(locale, query)
            if len(key) > MAX_KEY_BYTES:
                continue
            if by == "alias":
                alias = txn.get(key, db=self.rankings.aliases)
                if alias is None:
                    continue
                query = texts(key, alias)[0]
                key = entry_key(locale, query)
            value = txn.get(key, db=self.rankings.rankings)
            if value is not None:
                return by, (locale, query), ranking(key, value)
            if by == "alias":
                raise ReleaseCorrupt(f"release {self.release_id}: alias leads to no entry {key!r}. Run release verify.")
        return None

    def _answered(self, txn: "_Txn", found: Ranking) -> tuple[AnsweredTrack, ...]:
        known, answered = self._tracks.get, []
        for ordinal, score in zip(found.ordinals, found.scores, strict=True):
            track_id, title, artists = known(ordinal) or self._read_track(txn, ordinal)
            # made without its constructor's call, which is a quarter of an answer's time
            answered.append(tuple.__new__(AnsweredTrack, (track_id, round(score, 9), title, artists)))
        return tuple(answered)

    def _read_track(self, txn: "_Txn", ordinal: int) -> _Track:
        key = track_key(ordinal)
        value = txn.get(key, db=self.rankings.tracks)
        if value is None:
            raise ReleaseCorrupt(f"release {self.release_id}: track {ordinal} is not stored. Run release verify.")
        info = track(key, value)
        found = (info.track_id, info.title, info.artists)
        if len(self._tracks) < _CACHED_TRACKS:
            self._tracks[ordinal] = found
        return found

    def _explanation(
        self,
        txn: "_Txn",
        full: str,
        locale: str,
        tried: list[str],
        hit: tuple[MatchedBy, tuple[str, str], Ranking] | None,
    ) -> Explanation:
        short = stripped(full, locale, self._grammar) if _can_be_asked(full) else ""
        if hit is None:
            return Explanation(short, tuple(tried), None, None, ())
        key = entry_key(*hit[1])
        value = txn.get(key, db=self.rankings.reasons)
        reasons = texts(key, value) if value is not None else []
        return Explanation(short, tuple(tried), hit[1], hit[2].propensity, tuple(reasons))


def _can_be_asked(full: str) -> bool:
    """False where nothing was said, or more than any request for music has: a miss, and no key."""
    return 0 < len(full) <= MAX_REQUEST_CHARACTERS


def _lease(folder: Path) -> int:
    """A descriptor of manifest.json with a shared flock: prune leaves the release alone until it is closed.

    On manifest.json itself, so that a reader without write permission can take it.
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
