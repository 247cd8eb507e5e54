"""Alias clusters on rows that fit on a page, against the definition, and ids over three nights."""

from hypothesis import given
from hypothesis import strategies as st
from queries.nightly.clusters import Member, clustered, stable_ids


def merged(forms):
    """The definition for equal forms and keys: repeated merging until nothing changes."""
    groups = [
        ({query}, {("f", query if answers_as == "full" else stripped), *({("k", key)} if key else ())})
        for query, (stripped, key, answers_as) in forms.items()
    ]
    changed = True
    while changed:
        changed = False
        for one in groups:
            for other in groups:
                if one is not other and one[1] & other[1]:
                    one[0].update(other[0])
                    one[1].update(other[1])
                    groups.remove(other)
                    changed = True
                    break
            if changed:
                break
    return {query: min(queries) for queries, _ in groups for query in queries}


@given(
    st.dictionaries(
        st.text("abcdefgh", min_size=1, max_size=2),
        st.tuples(
            st.sampled_from("abcxyz"), st.sampled_from(["", "k", "l", "m"]), st.sampled_from(["full", "stripped"])
        ),
        max_size=14,
    )
)
def test_equals_the_definition_and_is_deaf_to_order(forms):
    members = [Member(query, stripped, key, answers_as=full) for query, (stripped, key, full) in forms.items()]
    assert clustered(members, []) == merged(forms) == clustered(members[::-1], [])


def cluster_of(members, pairs=()):
    found = clustered(members, pairs)
    assert found == clustered(members[::-1], list(pairs)[::-1])
    return found


def test_titles_that_begin_with_a_carrier_verb_are_not_the_rest_of_each_other():
    found = cluster_of(
        [
            Member("i want you", "you", entity="i want you", answers_as="full"),
            Member("play i want you", "i want you", entity="i want you"),
            Member("i need you", "you", entity="i need you", answers_as="full"),
            Member("you", "you", entity="you", answers_as="full"),
            Member("play you", "you", entity="you"),
            Member("ponme la mano", "la mano", entity="ponme la mano", answers_as="full"),
            Member("toca la mano", "la mano"),
        ]
    )
    assert found == {
        "i want you": "i want you",
        "play i want you": "i want you",
        "i need you": "i need you",
        "you": "play you",
        "play you": "play you",
        "ponme la mano": "ponme la mano",
        "toca la mano": "toca la mano",
    }


def test_a_mined_pair_joins_unless_it_mixes_what_is_known_to_differ():
    skrillex = Member("play skrillex", "skrillex", entity="|skrillex")
    typed = Member("play skillrex", "skillrex")
    hello, halo = Member("hello", "hello", entity="hello|"), Member("halo", "halo", entity="halo|")
    rock = Member("rock", "rock", "genre=rock")
    found = cluster_of(
        [skrillex, typed, hello, halo, rock],
        [
            ("play skillrex", "play skrillex", 0.9),
            ("hello", "halo", 0.99),
            ("rock", "hello", 0.99),
            ("play skillrex", "hello", 0.3),
            ("play skillrex", "never asked", 1.0),
        ],
    )
    assert found["play skillrex"] == found["play skrillex"] == "play skillrex"
    assert len({found[q] for q in ("play skillrex", "hello", "halo", "rock")}) == 4


def test_an_unknown_spelling_joins_what_it_sounds_like_and_two_known_names_do_not():
    found = cluster_of(
        [
            Member("rosalia", "rosalia", "", "|rosalia", "rsl", 90),
            Member("rozalia", "rozalia", "", "", "rsl", 5),
            Member("rosa lia", "rosa lia", "", "rosa lia|", "rsl", 10),
        ]
    )
    assert found["rozalia"] == found["rosalia"] != found["rosa lia"]


def test_ids_are_born_inherited_by_traffic_and_never_given_twice():
    day1 = {"a": "a", "b": "a", "c": "c"}
    searches = {"a": 5, "b": 50, "c": 9}
    first = stable_ids("en", day1, searches, {}, "2026-01-01")
    before = {query: first[cluster] for query, cluster in day1.items()}
    # a new smaller name joins: nothing changes
    joined = stable_ids("en", {"0": "0", "a": "0", "b": "0", "c": "c"}, searches, before, "2026-01-02")
    assert joined == {"0": first["a"], "c": first["c"]}
    # the cluster splits: the id goes with the traffic, the smaller part is born again under another id
    split = stable_ids("en", {"a": "a", "b": "b", "c": "c"}, searches, before, "2026-01-02")
    assert split["b"] == first["a"] and split["c"] == first["c"] and split["a"] not in set(first.values())
    # two clusters become one: it takes the id of the larger, and the other id is gone
    united = stable_ids("en", {"a": "a", "b": "a", "c": "a"}, searches, before, "2026-01-02")
    assert united == {"a": first["a"]}
    assert stable_ids("es", day1, searches, {}, "2026-01-01")["a"] != first["a"]
    assert split == stable_ids("en", {"a": "a", "b": "b", "c": "c"}, searches, before, "2026-01-02")
