"""A phrase before many requests that are asked without it is proposed; a word of one title is not."""

from queries.proposals import proposals


def test_a_phrase_before_known_requests_is_proposed_and_a_title_s_word_is_not():
    names = [f"artist {i}" for i in range(12)]
    asked = [(name, name, 5) for name in names] + [(f"yo dj drop {name}", f"yo dj drop {name}", 2) for name in names]
    asked += [("hello goodbye", "hello goodbye", 90), ("goodbye", "goodbye", 3)]
    found = {(one.place, one.phrase): one for one in proposals(asked)}
    best = found["prefix", "yo dj drop"]
    assert (best.requests, best.share, best.searches) == (12, 1.0, 24)
    assert ("prefix", "hello") not in found and ("suffix", "goodbye") not in found
    assert proposals(asked)[0] == best  # nested phrases have no support of their own
