"""How a number in a name is said, beside the name."""

import pytest

from queries.text.numbers import spoken_forms


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("blink 182", "blink one eighty two"),
        ("blink 182", "blink one hundred eighty two"),
        ("blink 182", "blink ciento ochenta y dos"),
        ("50 cent", "fifty cent"),
        ("maroon 5", "maroon five"),
        ("maroon 5", "maroon cinco"),
        ("the 1975", "the nineteen seventy five"),
        ("1989", "mil novecientos ochenta y nueve"),
        ("summer of 69", "summer of sixty nine"),
        ("sum 41", "sum four one"),
        ("007", "zero zero seven"),
        ("3005", "thirty zero five"),
        ("100 years", "one hundred years"),
        ("21 guns", "veintiuno guns"),
        ("2pac", "tupac"),
        ("symphony no 5", "fifth symphony"),
        ("symphony no 9", "novena sinfonia"),
        ("piano sonata no 14", "piano sonata number fourteen"),
        ("cello suite no 1", "first cello suite"),
        ("u2", "you two"),
        ("hayloft ii", "hayloft two"),
        ("hayloft ii", "hayloft 2"),
    ],
)
def test_a_number_is_said_as_a_whole_in_pairs_or_by_digit(name: str, said: str) -> None:
    assert said in spoken_forms(name)


@pytest.mark.parametrize("name", ["hello", "", "9" * 40, "1 2 3 4 5", "ii", "henry v", "b2b 2pac", "٤٢"])
def test_other_names_have_no_spoken_form(name: str) -> None:
    assert spoken_forms(name) == []
