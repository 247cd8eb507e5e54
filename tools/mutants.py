"""The deliberate errors of `make mutate`: each replaces one text of one file, and names the tests that must fail because of it."""

from __future__ import annotations

from dataclasses import dataclass

AREAS = ("metrics", "estimators", "labels", "point in time", "audit")


@dataclass(frozen=True)
class Mutant:
    """One deliberate error.

    Args:
        name: what is wrong with the mutated code, in words.
        area: one of AREAS.
        file: the file, from the project's folder.
        before: the text that is replaced; it occurs exactly once in the file.
        after: the text in its place.
        tests: the tests of which at least one must fail, as pytest's ids without parameters.
        spark: whether these tests start Spark.
    """

    name: str
    area: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]
    spark: bool = False


def _of(area: str, file: str, tests: str, *rows: tuple[str, str, str, str], spark: bool = False) -> list[Mutant]:
    """Mutants of one file and one file of tests; a row is (name, before, after, names of tests by comma)."""
    return [
        Mutant(name, area, file, before, after, tuple(f"{tests}::{t.strip()}" for t in named.split(",")), spark)
        for name, before, after, named in rows
    ]


MUTANTS: tuple[Mutant, ...] = (
    *_of(
        "metrics",
        "evaluation/metrics.py",
        "tests/evaluation/test_metrics.py",
        ("exp2 gain without the −1", "return np.exp2(grades) - 1.0", "return np.exp2(grades)", "test_by_hand"),
        ("discount log2(rank + 2)", "np.log2(np.arange(2, k + 2,", "np.log2(np.arange(3, k + 3,", "test_by_hand"),
        (
            "an empty list counts as 0, not as 1",
            '"one": 1.0}',
            '"one": 0.0}',
            "test_queries_with_nothing_relevant",
        ),
        (
            "the hash of ties forgets its seed",
            'hash_key=f"{seed:016x}"[-16:]',
            'hash_key="0" * 16',
            "test_hash_ties_follow_the_ids_and_not_the_row_order",
        ),
        (
            "recall over the listed relevant rows, not all",
            "group_sum(hits, sizes) if relevant is None else np.asarray(relevant, np.float64)",
            "group_sum(hits, sizes)",
            "test_by_hand",
        ),
        (
            "recall leaves out the least relevant grade",
            "hits = (values >= min_grade).astype(np.float64)\n    retrieved",
            "hits = (values > min_grade).astype(np.float64)\n    retrieved",
            "test_recall_and_reciprocal_rank_are_means_over_all_orders",
        ),
        (
            "reciprocal rank counts from the tied block",
            "expected += chance / (before + j + 1)",
            "expected += chance / (j + 1)",
            "test_by_hand",
        ),
        (
            "reciprocal rank: ratio of the wrong binomials",
            "/ (block - 1 - j)",
            "/ (block - j)",
            "test_recall_and_reciprocal_rank_are_means_over_all_orders",
        ),
        (
            "reciprocal rank without its cut",
            "range(min(block - relevant + 1, k - before))",
            "range(block - relevant + 1)",
            "test_the_measures_by_hand",
        ),
        (
            "success ignores the rows before the block",
            "min(k - s, b)",
            "min(k, b)",
            "test_the_measures_by_hand",
        ),
        (
            "success draws tied rows with replacement",
            "max(block - relevant - j, 0) / (block - j)",
            "(block - relevant) / block",
            "test_err_map_rbp_success_and_mrr_are_means_over_all_orders",
        ),
        (
            "average precision: tied rows counted independently",
            "in_block * (relevant - 1) / np.maximum(length - 1, 1)",
            "in_block * relevant / length",
            "test_err_map_rbp_success_and_mrr_are_means_over_all_orders",
        ),
        (
            "average precision counts hits of the lists before",
            "    before -= np.concatenate([[0.0], np.cumsum(group_sum(rows.values, sizes))])[rows.group[rows.starts]]\n",
            "",
            "test_err_map_rbp_success_and_mrr_are_means_over_all_orders",
        ),
        (
            "average precision over all relevant where k of them are reachable",
            'np.minimum(total, cut) if over == "reachable" else total',
            "total",
            "test_err_map_rbp_success_and_mrr_are_means_over_all_orders",
        ),
        (
            "ERR: the best grade stops for certain",
            "/ 2.0**max_grade, score",
            "/ (2.0**max_grade - 1), score",
            "test_the_measures_by_hand",
        ),
        (
            "ERR: nobody has stopped before",
            "reached[lists] *= 1.0 - stop",
            "reached[lists] *= 1.0",
            "test_the_measures_by_hand",
        ),
        (
            "ERR: ties in the order of the rows",
            "if float(own.min()) == float(own.max()):",
            "if len(own):",
            "test_err_map_rbp_success_and_mrr_are_means_over_all_orders",
        ),
        ("RBP: weights do not sum to 1", "(1 - p) * p ** np", "p ** np", "test_the_measures_by_hand"),
        (
            "a mean counts excluded lists as 0",
            "kept = ~np.isnan(values)",
            "values = np.nan_to_num(values)\n    kept = ~np.isnan(values)",
            "test_mean_is_weighted_and_leaves_excluded_out",
        ),
        (
            "a weighted mean without its weights",
            "(values[kept] * weight[kept]).sum() / total)",
            "values[kept].mean())",
            "test_mean_is_weighted_and_leaves_excluded_out",
        ),
    ),
    *_of(
        "metrics",
        "evaluation/ragged.py",
        "tests/evaluation/test_metrics.py",
        ("the lowest score first", "by_score = np.argsort(-scores)", "by_score = np.argsort(scores)", "test_by_hand"),
        (
            "tied rows: the sum in place of the mean",
            "rows.block_sums / rows.lengths",
            "rows.block_sums",
            "test_ndcg_is_the_mean_over_all_orders_of_ties",
        ),
        (
            "ties across two lists",
            "(score[1:] != score[:-1]) | (group[1:] != group[:-1])",
            "score[1:] != score[:-1]",
            "test_ndcg_is_the_mean_over_all_orders_of_ties",
        ),
        (
            "one rank too many",
            "within = self.place < k",
            "within = self.place <= k",
            "test_the_measures_by_hand",
        ),
        (
            "a NaN score passes",
            "if bool(np.isnan(score).any()):",
            "if False:",
            "test_bad_input_is_named",
        ),
    ),
    *_of(
        "metrics",
        "evaluation/variety.py",
        "tests/evaluation/test_variety.py",
        (
            "diversity: a row without genres is like itself",
            "group_sum((unit**2).sum(axis=1), counts)",
            "counts",
            "test_diversity_by_hand",
        ),
        ("entropy in nats", "-share * np.log2(share)", "-share * np.log(share)", "test_entropy_by_hand"),
        (
            "tracks not yet released count as new",
            "(age >= 0) & (age <= days)",
            "age <= days",
            "test_new_releases_by_hand",
        ),
        ("Gini of equal amounts above 0", "(2 * place - n - 1)", "(2 * place - n)", "test_gini_by_hand"),
        (
            "overlap counts a row from its higher rank on",
            "np.maximum(one, other)  # a row",
            "np.minimum(one, other)  # a row",
            "test_overlap_is_that_of_the_paper",
        ),
        (
            "overlap extrapolated from the shorter list's end",
            "end * p**longer",
            "end * p**shorter",
            "test_overlap_is_that_of_the_paper",
        ),
    ),
    *_of(
        "metrics",
        "evaluation/ragged.py",
        "tests/evaluation/test_variety.py",
        (
            "the first rows are those of the lowest score",
            "order = np.lexsort((keys, -score, group))",
            "order = np.lexsort((keys, score, group))",
            "test_new_releases_by_hand",
        ),
        (
            "rows that were not ranked are in the list",
            "kept = (place < k) & (score[order] > -np.inf)",
            "kept = place < k",
            "test_diversity_by_hand",
        ),
    ),
    *_of(
        "metrics",
        "evaluation/measure.py",
        "tests/evaluation/test_measure.py",
        (
            "a name that shows the defaults alone",
            "{**kind.fixed, **kind.options, **options}",
            "{**kind.fixed, **kind.options}",
            "test_a_name_changes_with_every_parameter",
        ),
        ("a name without its cut", 'f"@{k}" if k is not None else ""', '""', "test_names_by_hand"),
    ),
    *_of(
        "metrics",
        "evaluation/list_figures.py",
        "tests/evaluation/test_night.py",
        (
            "lists that nobody can judge have weight",
            "np.where(judge.ideal > 0, judge.weight, 0.0)",
            "judge.weight",
            "test_the_figures_of_the_lists_by_hand",
        ),
        (
            "the concentration ignores the rank",
            "weight[entry] / np.log2(rank + 1)",
            "weight[entry]",
            "test_the_figures_of_the_lists_by_hand",
        ),
        (
            "success of the need that most people mean",
            'drop_duplicates(["entry", "need_id"])["searches"]',
            'drop_duplicates(["entry", "need_id"])["share"]',
            "test_the_figures_of_the_lists_by_hand",
        ),
    ),
    *_of(
        "estimators",
        "evaluation/intervals.py",
        "tests/evaluation/test_intervals.py",
        ("standard deviation of a population", "values.std(ddof=1)", "values.std(ddof=0)", "test_paired_t_is_scipys"),
        (
            "a degree of freedom too many",
            "spread, len(values) - 1, len(values)",
            "spread, len(values), len(values)",
            "test_paired_t_is_scipys",
        ),
        ("a one-sided p-value", "float(2 * stats.t.sf(", "float(stats.t.sf(", "test_paired_t_is_scipys"),
        (
            "every cluster counts as much as the others",
            "effective = float(mass.sum()) ** 2 / float((mass**2).sum())",
            "effective = float(len(mass))",
            "test_the_variance_is_that_of_leaving_each_cluster_out",
        ),
        (
            "the cluster that was left out stays in the weight",
            "/ (total - mass)",
            "/ total",
            "test_the_variance_is_that_of_leaving_each_cluster_out",
        ),
        (
            "jackknife without its factor",
            "(groups - 1) / groups * float(",
            "float(",
            "test_the_variance_is_that_of_leaving_each_cluster_out",
        ),
        (
            "the variance of one fit for that of their mean",
            "float(np.var(others, ddof=1)) / averaged",
            "float(np.var(others, ddof=1))",
            "test_what_other_fits_would_give_is_in_the_interval",
        ),
        (
            "differences without their weights",
            "weights=weight * values",
            "weights=values",
            "test_splitting_an_entry_within_its_need_changes_nothing",
        ),
        (
            "a bootstrap interval of 90 %",
            "[(1 - level) / 2, (1 + level) / 2]",
            "[1 - level, level]",
            "test_with_equal_weights_all_three_agree",
        ),
        (
            "a p-value of 0",
            "return (hits + 1) / (repetitions + 1)",
            "return hits / repetitions",
            "test_sign_flips_drawn_are_near_the_exact_ones_and_never_zero",
        ),
        (
            "sign flips of one side",
            "(np.abs(signs @ sums) >= observed)",
            "((signs @ sums) >= observed)",
            "test_sign_flips_drawn_are_near_the_exact_ones_and_never_zero",
        ),
        (
            "sign flips by row, not by cluster",
            "groups = np.arange(len(values)) if clusters is None else np.asarray(clusters)\n    sums, _",
            "groups = np.arange(len(values))\n    sums, _",
            "test_sign_flips_are_exact_for_few_clusters",
        ),
        (
            "detectable effects of a one-sided test",
            "stats.norm.ppf(1 - alpha / 2)",
            "stats.norm.ppf(1 - alpha)",
            "test_detectable_effects_are_those_of_the_table",
        ),
    ),
    *_of(
        "estimators",
        "evaluation/judge.py",
        "tests/evaluation/test_night.py",
        (
            "the ideal list of the candidates, not of the catalog",
            "ideal=self.ideal)",
            "ideal=None)",
            "test_ndcg_by_hand",
        ),
        (
            "every request counts once",
            "return {arm: mean_over_groups(values, weight) for arm, values in ndcg.items()}",
            "return {arm: mean_over_groups(values) for arm, values in ndcg.items()}",
            "test_each_request_is_judged_by_its_own_needs",
        ),
    ),
    *_of(
        "estimators",
        "evaluation/night.py",
        "tests/evaluation/test_night.py",
        (
            "the lead of the baseline",
            '(ndcg["playfirst"] - ndcg[name])[judged]',
            '(ndcg[name] - ndcg["playfirst"])[judged]',
            "test_differences_are_paired_and_by_need",
        ),
        (
            "coverage of what was answered",
            "float(weight.sum() / judge.searches)",
            "float(weight.sum() / weight.sum())",
            "test_what_was_judged",
        ),
    ),
    *_of(
        "estimators",
        "evaluation/recall.py",
        "tests/evaluation/test_night.py",
        (
            "a track that is no candidate counts as shown",
            '"impressions": 0, "listed": 0.0',
            '"impressions": 1, "listed": 0.0',
            "test_what_was_never_shown_by_hand",
        ),
    ),
    *_of(
        "estimators",
        "evaluation/all_searches.py",
        "tests/evaluation/test_all_searches.py",
        (
            "a miss counts as a wrong answer",
            "(is_answered & ~is_right)[kept]",
            "(~is_right)[kept]",
            "test_a_miss_counts_nothing_and_an_answer_without_a_relevant_track_is_wrong",
        ),
    ),
    *_of(
        "estimators",
        "evaluation/truth.py",
        "tests/evaluation/test_truth.py",
        (
            "searches of bots are judged",
            'people = searches[~searches["is_bot"].astype(bool)]',
            "people = searches",
            "test_the_unseen_day_without_bots",
        ),
        (
            "needs weigh by wordings, not by searches",
            '["searches"].transform("sum")',
            '["searches"].transform("size")',
            "test_mixing_two_requests_into_one_entry_weighs_them_by_traffic",
        ),
        (
            "grade 0 has a gain",
            '2.0 ** relevance["grade"].astype("float64") - 1.0',
            '2.0 ** relevance["grade"].astype("float64")',
            "test_mixing_two_requests_into_one_entry_weighs_them_by_traffic",
        ),
    ),
    *_of(
        "estimators",
        "labels/rank_comparisons.py",
        "tests/labels/test_rank_comparisons.py",
        (
            "the loser wins",
            "won, both = wins.sum(axis=2)",
            "won, both = wins.sum(axis=1)",
            "test_exact_comparisons_give_their_curve",
        ),
        (
            "the prior knows no curve",
            "wins[:, step, step + 1] += strength * first",
            "wins[:, step, step + 1] += strength * 0.5",
            "test_nothing_known_gives_the_parent_and_much_known_ignores_it",
        ),
        (
            "chance counts as a difference between cells",
            " - (len(gaps) - 1)",
            "",
            "test_the_strength_follows_how_much_cells_differ_from_their_parents",
        ),
        (
            "comparisons are as uncertain as so many clicks",
            "of_here[known] / here[known] ** 2 + of_after[known] / after[known] ** 2",
            "1 / here[known] + 1 / after[known]",
            "test_the_strength_is_near_the_one_that_would_be_chosen_by_the_truth",
        ),
        (
            "the power of a curve is fitted to half of each comparison",
            "(won - (won + lost) * share) * apart",
            "(won - won * share) * apart",
            "test_a_power_of_the_parent_is_fitted_to_few_clicks",
        ),
    ),
    *_of(
        "estimators",
        "labels/exposure.py",
        "tests/labels/test_curves.py",
        (
            "a client leans on 1/position, not on all screens",
            "squares_of_client[client], whole)",
            "squares_of_client[client], start)",
            "test_a_thin_client_leans_on_all_screens_and_they_on_one_over_the_position",
        ),
        (
            "a cell leans on all screens, not on its client",
            'squares[cell], out[cell[0], "all"])',
            "squares[cell], whole)",
            "test_a_group_without_data_takes_the_curve_of_its_client",
        ),
        (
            "voice moves the curve of the screens",
            "tuple(c for c in CLIENTS if c != VOICE)",
            "tuple(CLIENTS)",
            "test_what_voice_does_moves_no_screen",
        ),
        (
            "survival that rises",
            "np.minimum.accumulate(np.minimum(1.0, n / n[0]))",
            "np.minimum(1.0, n / n[0])",
            "test_survival_never_rises_and_a_group_without_a_first_rank_takes_its_clients",
        ),
        (
            "clicks over shown, not over examined",
            "examined = sum(a * p for a, p in zip(n, propensity, strict=True))",
            "examined = sum(n)",
            "test_comparisons_give_the_steps_and_the_level_gives_the_clicks_back",
        ),
        (
            "a thin voice cell leans on nothing",
            "float(cell.clicks.sum()) + strength * client",
            "float(cell.clicks.sum())",
            "test_thin_rates_lean_on_the_client_and_thin_levels_on_a_tenth",
        ),
        (
            "a jackknife scaled as a bootstrap",
            "(BLOCKS - 1) / BLOCKS * ((logs",
            "1 / BLOCKS * ((logs",
            "test_the_interval_is_the_jackknife_of_blocks_on_a_log_scale",
        ),
    ),
    *_of(
        "estimators",
        "labels/exposure.py",
        "tests/labels/test_exposure.py",
        (
            "each rank weighed by itself, not by the other",
            "c * m / (n + m)",
            "c * n / (n + m)",
            "test_a_track_at_two_ranks_tells_how_much_less_the_lower_one_is_looked_at",
        ),
        (
            "comparisons between two needs",
            '"client", "intent_group", "locale", "need", "track_id"',
            '"client", "intent_group", "locale", "track_id"',
            "test_a_track_is_compared_with_itself_for_one_need_alone",
        ),
        (
            "clicks on voice",
            'F.when(F.col("client") == VOICE, F.col("long_plays_by_position"))',
            'F.when(F.col("client") == VOICE, F.col("clicks_by_position"))',
            "test_voice_counts_long_plays_and_screens_count_clicks",
        ),
        (
            "a need that nobody has read counts for no curve",
            '.fillna("open", ["intent_group"])\n    responses',
            "\n    responses",
            "test_a_need_that_nobody_has_read_counts_as_open",
        ),
        (
            "requests that lead to no need are one need",
            'daily.where(F.col("need").isNotNull())',
            "daily",
            "test_requests_that_lead_to_no_need_are_compared_with_nothing",
        ),
        spark=True,
    ),
    *_of(
        "labels",
        "labels/grades.py",
        "tests/labels/test_grades.py",
        (
            "every impression was examined",
            "F.round(n * p * MICRO)",
            "F.round(n * MICRO)",
            "test_exposure_is_what_was_looked_at_and_counts_in_the_locale_its_language_and_everywhere",
        ),
        (
            "voice is exposed by rank",
            'F.when(is_voice, F.col("impressions") * MICRO)',
            "F.when(is_voice, examined)",
            "test_on_voice_what_sounded_was_noticed_whatever_its_rank",
        ),
        (
            "a success on voice is worth one on a screen",
            '((F.sum("screen_micro") + F.max("ratio") * F.sum("voice_micro")) / MICRO).alias("exposure")',
            '((F.sum("screen_micro") + F.sum("voice_micro")) / MICRO).alias("exposure")',
            "test_a_success_on_voice_counts_for_less_where_the_same_tracks_succeed_more_often_there",
        ),
        (
            "each surface weighed by itself, not by the other",
            'summed("voice_successes", s), summed("screen_successes", v)',
            'summed("voice_successes", v), summed("screen_successes", s)',
            "test_surfaces_are_compared_on_the_same_track_and_weighed_by_the_other",
        ),
        (
            "a cut is not reached by its own value",
            'F.col("relevance") >= cut',
            'F.col("relevance") > cut',
            "test_grades_are_cut_where_the_settings_say",
        ),
        (
            "thin evidence leans on the whole rate of the need",
            'prior = F.col("need_rate") * settings.prior_share',
            'prior = F.col("need_rate")',
            "test_thin_evidence_leans_on_a_share_of_the_rate_of_the_need",
        ),
        (
            "a grade for the locale alone",
            'F.explode(places()))\n        .groupBy("as_of"',
            'F.explode(F.array("locale")))\n        .groupBy("as_of"',
            "test_exposure_is_what_was_looked_at_and_counts_in_the_locale_its_language_and_everywhere",
        ),
        spark=True,
    ),
    *_of(
        "labels",
        "labels/unshown.py",
        "tests/labels/test_unshown.py",
        (
            "shown in any week is shown in this",
            '.join(shown, PAIR, "left_anti")',
            '.join(shown, PAIR[1:], "left_anti")',
            "test_only_what_names_something_and_was_asked_that_week_teaches_by_what_it_was_not_shown",
        ),
        (
            "broad needs have negatives",
            'needs.where(F.col("intent_group").isin(*NAMED_GROUPS)).select',
            "needs.select",
            "test_only_what_names_something_and_was_asked_that_week_teaches_by_what_it_was_not_shown",
        ),
        (
            "one negative too many",
            'F.col("_place") <= per_need',
            'F.col("_place") <= per_need + 1',
            "test_at_most_so_many_of_a_request_the_same_each_time_and_others_elsewhere",
        ),
        (
            "assumed grades pass for judged ones",
            '"is_shown": F.lit(False)',
            '"is_shown": F.lit(True)',
            "test_the_grade_is_0_and_says_that_it_is_assumed",
        ),
        spark=True,
    ),
    *_of(
        "point in time",
        "features/build/sums.py",
        "tests/features/test_point_in_time.py",
        (
            "the snapshot's own day counts",
            '(F.col("age_days") >= 1)',
            '(F.col("age_days") >= 0)',
            "test_the_snapshots_own_day_and_later_ones_count_in_no_window",
        ),
        (
            "every later day counts",
            '(F.col("age_days") >= 1) & ',
            "",
            "test_the_snapshots_own_day_and_later_ones_count_in_no_window",
        ),
        (
            "a window without its last day",
            'return F.sum(F.when(age <= F.lit(wanted.days), value).otherwise(0)).cast("bigint")',
            'return F.sum(F.when(age < F.lit(wanted.days), value).otherwise(0)).cast("bigint")',
            "test_a_window_holds_its_last_day_and_not_the_one_before",
        ),
        (
            "the curve of a week later",
            'inputs.curves.groupBy(F.col("run_date").alias("as_of")',
            'inputs.curves.groupBy(F.date_sub("run_date", 7).alias("as_of")',
            "test_each_snapshot_reads_its_own_curve_and_its_own_strengths",
        ),
        spark=True,
    ),
    *_of(
        "point in time",
        "features/build/engine.py",
        "tests/features/test_point_in_time.py",
        (
            "strengths of an earlier snapshot's fit for later ones",
            'F.when(F.col("as_of") == F.lit(as_of)',
            'F.when(F.col("as_of") <= F.lit(as_of)',
            "test_each_snapshot_reads_its_own_curve_and_its_own_strengths",
        ),
        spark=True,
    ),
    *_of(
        "point in time",
        "queries/nightly/by_need.py",
        "tests/features/test_point_in_time.py",
        (
            "a wording counts for the need of another snapshot",
            'rows.join(of_wording, ["as_of", "_language", "_query"], "left")',
            'rows.join(of_wording.groupBy("_language", "_query").agg(F.min("need").alias("need")), ["_language", "_query"], "left")',
            "test_a_wording_counts_for_the_need_that_its_snapshot_knew",
        ),
        spark=True,
    ),
    *_of(
        "point in time",
        "night/snapshots.py",
        "tests/features/test_point_in_time.py",
        (
            "the label week has eight days",
            '(F.col("search_date") < F.lit(as_of + timedelta(days=label_days)))',
            '(F.col("search_date") <= F.lit(as_of + timedelta(days=label_days)))',
            "test_training_pairs_are_of_the_head_and_the_catalog_and_of_the_label_days",
        ),
        (
            "the day before the snapshot has labels",
            '(F.col("search_date") >= F.lit(as_of))',
            '(F.col("search_date") >= F.lit(as_of - timedelta(days=1)))',
            "test_training_pairs_are_of_the_head_and_the_catalog_and_of_the_label_days",
        ),
        spark=True,
    ),
    *_of(
        "point in time",
        "features/build/vectors.py",
        "tests/features/test_vectors.py",
        (
            "vectors are fitted with later plays",
            "daily.where((age >= 1) & (age <= DAYS)",
            "daily.where((age <= DAYS)",
            "test_days_from_the_snapshot_on_teach_nothing",
        ),
        spark=True,
    ),
    *_of(
        "point in time",
        "features/build/engaged.py",
        "tests/features/test_engaged.py",
        (
            "one listener too few",
            'F.col("n") >= F.lit(k)',
            'F.col("n") >= F.lit(k - 1)',
            "test_people_are_counted_by_need_over_wordings_and_places_and_each_once",
        ),
        (
            "tonight's needs are hidden, too",
            'return drawn & (F.col("as_of") != F.lit(tonight))',
            "return drawn",
            "test_a_share_is_hidden_from_past_snapshots_and_none_from_tonights",
        ),
        spark=True,
    ),
    *_of(
        "point in time",
        "features/build/popularity.py",
        "tests/features/test_popularity.py",
        (
            "popularity of a later catalog",
            "max((d for d in days if d <= str(day)), default=None)",
            "max((d for d in days), default=None)",
            "test_a_catalog_of_later_days_is_never_read",
        ),
        (
            "the trend compares a catalog with itself",
            "newest(day - timedelta(days=TREND_DAYS))",
            "newest(day)",
            "test_a_catalog_of_later_days_is_never_read",
        ),
    ),
    *_of(
        "point in time",
        "ranking/examples.py",
        "tests/ranking/test_examples.py",
        (
            "the features of the week after meet the grades",
            'matrix_rows.withColumnRenamed("run_date", "as_of")',
            'matrix_rows.withColumn("as_of", F.date_sub("run_date", SPACING_DAYS))',
            "test_features_of_a_snapshot_meet_its_own_grades_and_the_newest_judges",
        ),
        (
            "features and grades of any two snapshots",
            'labels.join(features, ["as_of", "locale", "need", "track_id"])',
            'labels.join(features.drop("as_of"), ["locale", "need", "track_id"])',
            "test_features_of_a_snapshot_meet_its_own_grades_and_the_newest_judges",
        ),
        (
            "the newest snapshot trains",
            'F.col("as_of") >= F.lit(valid_from) if',
            'F.col("as_of") < F.lit(valid_from) if',
            "test_features_of_a_snapshot_meet_its_own_grades_and_the_newest_judges",
        ),
        spark=True,
    ),
    *_of(
        "point in time",
        "ranking/examples.py",
        "tests/jobs/test_snapshots.py",
        (
            "labels that are not final",
            "timedelta(days=mature_days + SPACING_DAYS * i)",
            "timedelta(days=SPACING_DAYS * (i + 1))",
            "test_the_label_days_of_every_snapshot_are_final",
        ),
        (
            "the day after the label week counts",
            "first <= d < before",
            "first <= d <= before",
            "test_a_snapshot_in_a_hole_of_the_logs_is_none",
        ),
    ),
    *_of(
        "point in time",
        "lake/io.py",
        "tests/lake/test_commits.py",
        (
            "the newest unit of all days",
            "max((unit for unit in self.commits(table) if unit <= str(day)), default=None)",
            "max((unit for unit in self.commits(table)), default=None)",
            "test_the_newest_unit_by_a_day_is_none_of_later_days",
        ),
    ),
    *_of(
        "point in time",
        "lake/io.py",
        "tests/lake/test_io.py",
        (
            "what has not passed its gate is read",
            "readable = self.commits(table) if allow_unvalidated else set(self.passed(table))",
            "readable = self.commits(table)",
            "test_only_passed_units_are_readable",
        ),
        (
            "what was written anew keeps its verdict",
            'self._ledger().get((table.name, str(unit), mark), "built")',
            'max((v for (t, u, _), v in self._ledger().items() if (t, u) == (table.name, str(unit))), default="built")',
            "test_only_passed_units_are_readable",
        ),
        (
            "units that were not asked for are read",
            "return frame.where(F.col(unit_column).isin(typed)) if wanted else frame.limit(0)",
            "return frame",
            "test_only_passed_units_are_readable",
        ),
        spark=True,
    ),
    *_of(
        "audit",
        "ranking/audit.py",
        "tests/ranking/test_audit.py",
        (
            "the label week is not compared with those after",
            "more, variance = successes - both * share,",
            "more, variance = successes,",
            "test_a_column_that_tells_how_much_will_be_shown_later_is_no_leak",
        ),
        (
            "half of the successes are expected in any week",
            "share = exposure / (exposure + again[FOLLOW[1]].to_numpy(float))",
            "share = np.full(len(again), 0.5)",
            "test_a_column_that_tells_how_much_will_be_shown_later_is_no_leak",
        ),
        (
            "leaks raise their own limit",
            "MOST_SPREAD = 1.5",
            "MOST_SPREAD = 15.0",
            "test_leaks_do_not_hide_each_other_even_where_they_are_most_columns",
        ),
        (
            "a column against the label is no leak",
            "Finding(n, what, abs(float(s)), limit)",
            "Finding(n, what, float(s), limit)",
            "test_the_first_question_finds_leaks_of_either_direction",
        ),
        (
            "a step to a leak must be ten times as large",
            "LEFT_OF_ERROR = 0.5",
            "LEFT_OF_ERROR = 0.05",
            "test_a_step_limit_is_set_from_below_whatever_lies_above_it",
        ),
        (
            "steps are walked from the best column",
            "order[len(order) // 2 :], [*order[len(order) // 2 + 1 :], 1.0]",
            "order[len(order) - 1 :], [*order[len(order) :], 1.0]",
            "test_a_step_limit_is_set_from_below_whatever_lies_above_it",
        ),
        (
            "the error of a step ignores the number of needs",
            "last * (1 - last) / max(needs, 1)",
            "last * (1 - last) / 10_000",
            "test_few_queries_widen_the_step",
        ),
        (
            "areas of one direction",
            "yield max(float(won) / of, 1 - float(won) / of) if of else None",
            "yield float(won) / of if of else None",
            "test_the_area_is_of_ranks_with_ties_averaged_and_of_either_direction",
        ),
        (
            "tied rows have the rank of the first",
            "middle = (ties + np.r_[ties[1:], len(values)] - 1) / 2",
            "middle = ties.astype(float)",
            "test_mid_ranks_are_centred_in_each_group",
        ),
        (
            "null is the mean, not the lowest",
            "column.fillna(-np.inf)",
            "column.fillna(8.5)",
            "test_within_a_query_is_asked_apart",
        ),
        (
            "what was shown is not asked apart",
            '("tracks shown", rows[rows["is_shown"]])',
            '("tracks shown", rows)',
            "test_what_tells_the_clicks_or_what_was_shown_is_found_whichever_hides_the_other",
        ),
        (
            "a finding above its limit is no leak",
            "if one.value > one.limit:",
            "if one.value > 2 * one.limit:",
            "test_whatever_is_above_its_limit_is_a_leak",
        ),
    ),
    *_of(
        "audit",
        "ranking/audit.py",
        "tests/ranking/test_audit.py",
        (
            "the label week is one of the weeks after it",
            "first = -(-label_days // SPACING_DAYS)",
            "first = 0",
            "test_the_weeks_after_are_those_of_the_next_snapshots_and_not_the_pairs_own",
        ),
        (
            "the weeks before in place of those after",
            'back = [F.date_sub("as_of", SPACING_DAYS * i)',
            'back = [F.date_add("as_of", SPACING_DAYS * i)',
            "test_the_weeks_after_are_those_of_the_next_snapshots_and_not_the_pairs_own",
        ),
        (
            "assumed grades count as outcomes",
            'known = judgements.where("is_shown").select',
            "known = judgements.select",
            "test_the_weeks_after_are_those_of_the_next_snapshots_and_not_the_pairs_own",
        ),
        spark=True,
    ),
)
