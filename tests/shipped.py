"""The settings that ship (conf/night.yaml), for tests that change one of them."""

from __future__ import annotations

from hydra import compose, initialize_config_module

from labels.exposure import CurveSettings
from labels.grades import GradeSettings
from night.command import settings_of
from night.settings import Settings


def _shipped() -> Settings:
    with initialize_config_module("conf", version_base="1.3"):
        return settings_of(compose("night", overrides=["run_date=2026-03-01"]))


SHIPPED = _shipped()
CURVES = CurveSettings(SHIPPED.labels.curve_days, SHIPPED.labels.curve_strength)
_a, _b, _c, _d = SHIPPED.labels.cuts
GRADES = GradeSettings(
    SHIPPED.labels.label_days, SHIPPED.labels.grade_strength, SHIPPED.labels.grade_prior_share, (_a, _b, _c, _d)
)
