from audit.remembering import remembered


def test_a_value_is_asked_about_once_and_a_copy_anew() -> None:
    asked: list[list[int]] = []

    @remembered(2)
    def total(value: list[int]) -> int:
        asked.append(value)
        return sum(value)

    one, other = [1, 2], [1, 2]
    assert [total(one), total(one)] == [3, 3]
    assert total(other) == 3
    assert asked == [[1, 2], [1, 2]]


def test_only_the_values_asked_about_last_are_kept() -> None:
    asked: list[str] = []

    @remembered(2)
    def length(value: list[int]) -> int:
        asked.append(str(value))
        return len(value)

    values = [[1], [1, 2], [1, 2, 3]]
    assert [length(v) for v in (*values, values[2], values[0])] == [1, 2, 3, 3, 1]
    assert asked == ["[1]", "[1, 2]", "[1, 2, 3]", "[1]"]
