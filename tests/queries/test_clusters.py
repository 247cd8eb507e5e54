"""Components of (stripped, key) pairs against the definition: repeated merging until nothing changes."""

from hypothesis import given
from hypothesis import strategies as st

from queries.clusters import component_of


def merged(pairs):
    groups = [({form}, {key}) for form, key in pairs]
    changed = True
    while changed:
        changed = False
        for one in groups:
            for other in groups:
                if one is not other and (one[0] & other[0] or one[1] & other[1]):
                    one[0].update(other[0])
                    one[1].update(other[1])
                    groups.remove(other)
                    changed = True
                    break
            if changed:
                break
    return {form: min(forms) for forms, _ in groups for form in forms}


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("uvwxyz")), max_size=14))
def test_equals_the_definition_and_is_deaf_to_order(pairs):
    assert component_of(pairs) == merged(pairs) == component_of(pairs[::-1])


def test_a_chain_of_keys_joins():
    assert component_of([("a", "k1"), ("b", "k1"), ("b", "k2"), ("c", "k2"), ("d", "k3")]) == {
        "a": "a",
        "b": "a",
        "c": "a",
        "d": "d",
    }
