from modelhub.cli.output.graph import Graph, visible_parents


def draw(history, *, lines=1):
    graph = Graph()
    text = []
    for commit, parents in history:
        text += graph.draw(commit, parents, [commit, *["."] * (lines - 1)])
    return text


def test_a_straight_history_is_one_lane():
    assert draw([("c", "b"), ("b", "a"), ("a", "")]) == ["* c", "* b", "* a"]


def test_a_branch_and_its_merge_open_and_close_a_lane():
    history = [("m", "ab"), ("a", "r"), ("b", "r"), ("r", "")]
    assert draw(history) == [
        "*   m",
        "|\\",
        "* | a",
        "| * b",
        "|/",
        "* r",
    ]


def test_two_tips_join_at_their_common_parent():
    assert draw([("x", "r"), ("y", "r"), ("r", "")]) == ["* x", "| * y", "|/", "* r"]


def test_three_tips_join_at_their_common_parent():
    assert draw([("x", "r"), ("y", "r"), ("z", "r"), ("r", "")]) == [
        "* x",
        "| * y",
        "| | * z",
        "| |/",
        "|/|",
        "|/",
        "* r",
    ]


def test_a_lane_passes_under_those_between():
    history = [("w", "r"), ("x", "p"), ("y", "q"), ("z", "r"), ("r", ""), ("p", ""), ("q", "")]
    assert draw(history) == [
        "* w",
        "| * x",
        "| | * y",
        "| | | * z",
        "| |_|/",
        "|/| |",
        "* | | r",
        " / /",
        "* | p",
        " /",
        "* q",
    ]


def test_a_merge_in_the_middle_moves_the_lanes_on_its_right():
    graph = Graph()
    for commit, parents in [("x", "a"), ("y", "b"), ("z", "c")]:
        list(graph.draw(commit, parents, [commit]))
    assert list(graph.draw("b", "de", ["b"])) == ["| * |   b", "| |\\ \\"]


def test_an_octopus_opens_a_lane_for_each_parent():
    assert draw([("m", "abc"), ("a", "r"), ("b", "r"), ("c", "r"), ("r", "")])[:3] == ["*     m", "|\\", "| |\\"]


def test_several_lines_of_text_stand_beside_the_graph():
    history = [("m", "ab"), ("a", "r"), ("b", "r"), ("r", "")]
    assert draw(history, lines=3) == [
        "*   m",
        "|\\  .",
        "| | .",
        "* | a",
        "| | .",
        "| | .",
        "| * b",
        "| | .",
        "| | .",
        "|/",
        "* r",
        "  .",
        "  .",
    ]


def test_unrelated_histories_stand_beside_each_other():
    assert draw([("x", "w"), ("b", "a"), ("a", ""), ("w", "")]) == ["* x", "| * b", "| * a", "* w"]


def test_only_the_graph_is_drawn_with_pretty_letters():
    graph = Graph(unicode=True)
    list(graph.draw("x", "r", ["x"]))
    assert list(graph.draw("y", "r", ["a|b * /"])) == ["│ ● a|b * /"]


def test_every_commit_is_drawn_once_in_any_history():
    import random

    for seed in range(50):
        random.seed(seed)
        names = [f"<{number}>" for number in range(30)]
        history = []
        for place, name in enumerate(names):
            older = names[place + 1 : place + 6]
            history.append((name, random.sample(older, min(len(older), random.choice([0, 1, 1, 1, 2, 2, 3])))))
        graph = Graph()
        text = [line for commit, parents in history for line in graph.draw(commit, parents, [commit])]
        assert [line.split()[-1] for line in text if "<" in line] == names
        assert all(line.partition("<")[0].count("*") == ("<" in line) for line in text)
        assert graph._lanes == []


def test_hidden_commits_are_passed_over():
    history = [("e", ("d",)), ("d", ("b", "c")), ("c", ("a",)), ("b", ("a",)), ("a", ())]
    assert visible_parents(history, {"e", "b", "a"})["e"] == ("b", "a")
    assert visible_parents(history, {"e", "a"})["e"] == ("a",)
    assert visible_parents(history, {"e"})["e"] == ()
