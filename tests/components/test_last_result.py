"""The last results of tabs: each tab finds its own, and the oldest go first."""

from components.shell.last_result import LastResults


def test_a_tab_finds_its_own_last_result_and_no_other():
    results = LastResults()
    results.put("one", "ideal", "cat")
    results.put("two", "ideal", "dog")
    results.put("one", "attack", "pug")
    results.put("one", "ideal", "lion")
    assert results.get("one", "ideal") == "lion"
    assert results.get("two", "ideal") == "dog"
    assert results.get("one", "attack") == "pug"
    assert results.get("three", "ideal") is None


def test_only_the_newest_are_kept():
    results = LastResults(keep=3)
    for k in range(5):
        results.put(f"tab {k}", "ideal", k)
    assert [results.get(f"tab {k}", "ideal") for k in range(5)] == [None, None, 2, 3, 4]
