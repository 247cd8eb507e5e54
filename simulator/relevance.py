"""The hidden truth: how well listeners of a locale like each track, and the grade (0–4) of each track for each need."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator.arrays import Floats, Ints, hashed_noise, hashed_uniform
from simulator.behaviour import LOCALES, Behaviour
from simulator.lexicon import feelings, genres
from simulator.needs import Concept
from simulator.tracks import Tracks

BROAD = ("genre", "genre_decade", "mood", "activity", "open")
MOST_RELEVANT = 300


class Grades:
    """Grades of (need, track), sparse: absent pairs have grade 0. A need is numbered concept * len(LOCALES) + locale."""

    def __init__(self, need: Ints, track: Ints, grade: Ints, n_tracks: int) -> None:
        key = need * n_tracks + track
        order = np.argsort(key, kind="stable")
        self.need, self.track, self.grade = need[order], track[order], grade[order].astype(np.int8)
        self._key, self._n = key[order], n_tracks

    def of(self, need: Ints, track: Ints) -> npt.NDArray[np.int8]:
        """Grades of pairs of needs and tracks (broadcast); 0 where the need or the track is negative."""
        key = need * self._n + track
        at = np.minimum(np.searchsorted(self._key, key), len(self._key) - 1)
        hit = (self._key[at] == key) & (need >= 0) & (track >= 0)
        return np.where(hit, self.grade[at], 0).astype(np.int8)


def hidden_appeal(tracks: Tracks, behaviour: Behaviour, seed: int) -> Floats:
    """The part of liking that all locales share: popularity × its weight in this world + noise by work and by track."""
    z = (tracks.latent - tracks.latent.mean()) / max(float(tracks.latent.std()), 1e-9)
    # Raise the most popular tracks further, so that a hit stands out among songs of the same title.
    z = z + 0.35 * np.maximum(z, 0) ** 2
    noise = 0.8 * hashed_noise(seed, 11, tracks.work) + 0.35 * hashed_noise(seed, 12, np.arange(len(tracks)))
    out: Floats = (
        behaviour["popularity_weight"] * z
        + behaviour["appeal_noise"] * 0.75 * noise
        - 0.6 * tracks.is_version
        - 2.0 * tracks.is_karaoke
    )
    return out


def locale_taste(tracks: Tracks, behaviour: Behaviour, rng: np.random.Generator) -> Floats:
    """Liking by genre in addition to the hidden appeal, [locales, tracks]; a genre is liked more in its home locales."""
    taste = rng.normal(0, behaviour["taste_sd"], (len(LOCALES), len(genres())))
    for g, genre in enumerate(genres()):
        for k, locale in enumerate(LOCALES):
            taste[k, g] += 0.5 * (locale in genre.home) + (0.4 if locale.startswith("es") else -0.3) * (
                genre.language == "es"
            )
    best = tracks.genre_fit / np.maximum(tracks.genre_fit.sum(axis=1, keepdims=True), 1.0)
    return np.asarray(taste @ best.T)


def grades(listed: list[Concept], tracks: Tracks, appeal: Floats, taste: Floats, seed: int) -> Grades:
    """Grades of every concept in every locale: equal in all locales for narrow kinds, by local taste for broad kinds."""
    groups = {
        k: _groups(v)
        for k, v in (
            ("shared", tracks.shared),
            ("artist", tracks.artist),
            ("work", tracks.work),
            ("album", tracks.album),
        )
    }
    feeling_fit = _feeling_fits(tracks)
    every = np.arange(len(LOCALES), dtype=np.int64)
    need_parts, track_parts, grade_parts = [], [], []
    for c, concept in enumerate(listed):
        if concept.kind in BROAD:
            pool, fit = _pool(concept, tracks, feeling_fit)
            for k in range(len(LOCALES)):
                own = 0.5 * hashed_noise(seed, 13, c, tracks.work[pool])
                rows, grade = _cut(pool, appeal[pool] + taste[k, pool] + fit + own)
                need_parts.append(np.full(len(rows), c * len(LOCALES) + k))
                track_parts.append(rows)
                grade_parts.append(grade)
        else:
            rows, grade = _narrow(concept, tracks, appeal, groups, seed)
            need_parts.append((c * len(LOCALES) + every).repeat(len(rows)))
            track_parts.append(np.tile(rows, len(LOCALES)))
            grade_parts.append(np.tile(grade, len(LOCALES)))
    need, track, grade = (np.concatenate(parts) for parts in (need_parts, track_parts, grade_parts))
    return Grades(need[grade > 0], track[grade > 0], grade[grade > 0], len(tracks))


def _groups(code: Ints) -> tuple[Ints, Ints]:
    order = np.argsort(code, kind="stable")
    return order.astype(np.int64), np.searchsorted(code[order], np.arange(int(code.max()) + 2)).astype(np.int64)


def _members(group: tuple[Ints, Ints], code: int) -> Ints:
    order, edges = group
    return order[edges[code] : edges[code + 1]]


def _narrow(
    concept: Concept, tracks: Tracks, appeal: Floats, groups: dict[str, tuple[Ints, Ints]], seed: int
) -> tuple[Ints, Ints]:
    """Tracks and grades of a narrow need (title, artist, title + artist, album): what is asked for gets 4 or 3, related tracks 1.

    A karaoke recording of the title gets 1 or 0. An artist need is graded by the rank of its tracks in appeal (`_cut`).
    """
    example, code = concept.target
    if concept.kind in ("title", "title_artist"):
        near = "shared" if concept.kind == "title" else "artist"
        rows = np.union1d(
            _members(groups["shared"], int(tracks.shared[example])),
            _members(groups[near], int(getattr(tracks, near)[example])),
        )
        same, alike = tracks.work[rows] == code, tracks.shared[rows] == tracks.shared[example]
        karaoke = np.where(hashed_uniform(seed, 14, rows) < 0.5, 1, 0)
        other = np.where(tracks.is_karaoke[rows], karaoke * alike, 1)
        grade = np.where(same, np.where(tracks.is_version[rows], 3, 4), other).astype(np.int64)
        # Of the artist's other songs only the 20 best-liked are related to a named song.
        rest = ~same & ~alike
        keep = ~rest | (appeal[rows] >= np.sort(appeal[rows][rest])[-min(20, int(rest.sum()))]) if rest.any() else ~rest
        return rows[keep], grade[keep]
    if concept.kind == "artist":
        return _cut(_members(groups["artist"], code), appeal[_members(groups["artist"], code)], least=1)
    rows = _members(groups["album"], code)
    order = np.argsort(-appeal[rows], kind="stable")
    grade = np.full(len(rows), 3, dtype=np.int64)
    grade[order[: max(1, len(rows) // 2)]] = 4
    return rows, grade


def _cut(pool: Ints, score: Floats, least: int = 0) -> tuple[Ints, Ints]:
    """The half of a pool with the greatest scores (all of it if `least`), at most MOST_RELEVANT, graded by rank.

    7 % (at least two tracks) get grade 4, 16 % grade 3, 27 % grade 2, the rest grade 1.
    """
    top = min(MOST_RELEVANT, max(1, len(pool) if least else len(pool) // 2))
    order = np.argsort(-score, kind="stable")[:top]
    rank = np.arange(top) / top
    grade = np.select([rank < max(0.07, 1.5 / top), rank < 0.23, rank < 0.5], [4, 3, 2], 1).astype(np.int64)
    return pool[order], grade


def _feeling_fits(tracks: Tracks) -> Floats:
    """Standardised fit of the audio to each mood and activity, [feelings, tracks]."""
    x = tracks.audio[:, [0, 1, 2, 3, 4, 6]] - 0.5
    fit = np.array([f.fit / np.linalg.norm(f.fit) for f in feelings()]) @ x.T
    return np.asarray((fit - fit.mean(axis=1, keepdims=True)) / np.maximum(fit.std(axis=1, keepdims=True), 1e-9))


def _pool(concept: Concept, tracks: Tracks, feeling_fit: Floats) -> tuple[Ints, Floats]:
    """The tracks that can answer a broad need, and how well each fits it."""
    if concept.kind == "open":
        pool = np.arange(len(tracks), dtype=np.int64)
        return pool, np.zeros(len(pool))
    target, decade = concept.target
    if concept.kind in ("mood", "activity"):
        fit = feeling_fit[target]
        pool = np.flatnonzero(fit >= np.quantile(fit, 0.88))
        return pool, 0.8 * (fit[pool] - fit[pool].mean())
    own = tracks.genre_fit[:, target]
    pool = np.flatnonzero((own > 0) & ((tracks.year // 10 * 10 == decade) | (decade == 0)) & ~tracks.is_karaoke)
    return pool, 2.0 * own[pool].astype(np.float64)
