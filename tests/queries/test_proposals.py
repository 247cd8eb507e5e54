"""A phrase before many requests that are asked without it is proposed; a word of one title is not."""

from queries.nightly.proposals import proposals


def test_a_phrase_before_known_requests_is_proposed_and_a_title_s_word_is_not():
    names = [f"artist {i}" for i in range(12)]
    asked = [(name, name, 5) for name in names] + [(f"yo dj drop {name}", f"yo dj drop {name}", 2) for name in names]
    asked += [("hello goodbye", "hello goodbye", 90), ("goodbye", "goodbye", 3)]
    asked += [(f"{name} from the nineties", f"{name} from the nineties", 2) for name in names]
    asked += [(f"{name} by abba", f"{name} by abba", 2) for name in names] + [("abba", "abba", 5)]

    def is_constraint(phrase: str) -> bool:
        return "nineties" in phrase

    told = proposals(asked, is_constraint)
    found = {(one.place, one.phrase): one for one in told}
    best = found["prefix", "yo dj drop"]
    assert (best.requests, best.share, best.searches) == (12, 1.0, 24)
    assert ("prefix", "hello") not in found and ("suffix", "goodbye") not in found
    assert ("suffix", "from the nineties") not in found and ("suffix", "by abba") not in found
    assert told[0] == best  # nested phrases have no support of their own
