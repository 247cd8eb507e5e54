-- A second implementation of the engagement sums, in DuckDB, from the raw log files alone.
-- Given by the test: requests(raw_query, locale, query), wordings(as_of, language, query, need),
-- needs(need, intent_group, broader), artists(track_id, artist, work_id), rates(as_of, client, intent_group, position, rate_micro), snapshots(as_of).
CREATE TEMP TABLE s AS
  SELECT search_id, user_id, CAST(ts AS TIMESTAMP) AS ts, client, locale, query, results
  FROM (SELECT *, row_number() OVER (PARTITION BY search_id ORDER BY ts) AS n FROM raw_searches) JOIN requests USING (raw_query, locale)
  WHERE n = 1;
CREATE TEMP TABLE asked AS
  SELECT *, coalesce(
      epoch_us(lead(ts) OVER w) - epoch_us(ts) < 120000000 AND lead(query) OVER w <> query, false) AS rephrased
  FROM s WINDOW w AS (PARTITION BY user_id ORDER BY ts, search_id);
CREATE TEMP TABLE reaction AS
  SELECT search_id, track_id, position,
    bool_or(kind = 'click') AS tapped, bool_or(kind = 'play' OR kind = 'complete' OR coalesce(dwell_ms, 0) > 0) AS played, bool_or(kind = 'complete') AS ended,
    bool_or(kind = 'skip') AS skipped, bool_or(kind = 'stop') AS stopped, bool_or(kind IN ('save', 'add')) AS saved,
    bool_or(kind = 'like') AS liked, bool_or(kind = 'dislike') AS disliked, max(CASE WHEN dwell_ms > 86400000 THEN 86400000 ELSE dwell_ms END) AS dwell
  FROM (SELECT DISTINCT event_id, search_id, track_id, position, kind, dwell_ms FROM raw_events) GROUP BY ALL;
CREATE TEMP TABLE shown AS
  SELECT search_id, locale, query, client, CAST(ts AS DATE) AS day, rephrased, unnest(results) AS track_id,
    generate_subscripts(results, 1) AS position
  FROM asked;
CREATE TEMP TABLE seen AS
  SELECT day, locale, query, client, track_id, least(position, 11) AS cell, client = 'alexa' AS voice,
    CASE WHEN dwell IS NULL THEN NULL WHEN dwell < 1000 THEN 0 ELSE least(31, 1 + floor(30 * ln(dwell / 1000.0) / ln(3600) + 1e-9)) END AS bin,
    coalesce(dwell >= 30000 OR ended, false) AS long_play, coalesce(ended, false) AS ended, coalesce(skipped, false) AS skipped,
    coalesce(stopped, false) AS stopped, coalesce(saved, false) AS saved, coalesce(liked, false) AS liked,
    coalesce(disliked, false) AS disliked, coalesce(dwell, 0) AS dwell, coalesce(played, false) AS played,
    coalesce(client <> 'alexa' AND (tapped OR played), false) AS clicked, rephrased,
    coalesce((stopped OR skipped) AND NOT (coalesce(dwell, 0) >= 30000 OR ended), false) AS short_stop
  FROM shown LEFT JOIN reaction USING (search_id, track_id, position)
  WHERE client <> 'alexa' OR reaction.search_id IS NOT NULL;
CREATE TEMP TABLE aged AS
  SELECT seen.*, snapshots.as_of, wordings.need, needs.broader, datediff('day', day, snapshots.as_of) AS age,
    coalesce(rate_micro, 0) AS expected_micro, CASE WHEN voice THEN long_play ELSE clicked END AS response
  FROM seen CROSS JOIN snapshots
  LEFT JOIN wordings ON wordings.as_of = snapshots.as_of AND wordings.language = seen.locale[1:2] AND wordings.query = seen.query
  LEFT JOIN needs ON needs.need = wordings.need
  LEFT JOIN rates ON rates.as_of = snapshots.as_of AND rates.client = seen.client AND rates.position = cell
    AND rates.intent_group = coalesce(needs.intent_group, 'open')
  WHERE day < snapshots.as_of;
CREATE TEMP TABLE placed AS
  SELECT aged.* EXCLUDE (locale), place.l AS locale, place.g AS language, artist, work_id
  FROM (SELECT *, unnest([{l: locale, g: locale[1:2]}, {l: locale[1:2], g: locale[1:2]}, {l: '*', g: '*'}]) AS place FROM aged) aged
  LEFT JOIN artists USING (track_id);
