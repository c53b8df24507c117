"""The leaderboard's page."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.leaderboard.board import Board
from harness.leaderboard.changes import TEXTS, Change
from harness.leaderboard.config import BoardConfig
from harness.leaderboard.reasons import TEXTS as REASONS
from harness.leaderboard.reasons import reason
from harness.leaderboard.votes import votes_board
from reports.board_words import BOARD
from reports.leaderboard import answer, change_text, charts, rank_chart, reason_text, render_board
from reports.words import Lang
from tests.harness.leaderboard.support import BOTH, DEMO, TOY, Toy, demo_board

EVIL = "<script>alert('boo')</script>"
CHROMIUM = "/usr/bin/chromium"
CJK = re.compile(r"[一-鿿]")
PLACEHOLDER = re.compile(r"{(\w+)}")


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    made = Toy(tmp_path / "toy")
    made.place.mkdir()
    made.suite("one")
    made.suite("two")
    return made


@pytest.fixture(scope="module")
def demo(ROOT: Path, tmp_path_factory: pytest.TempPathFactory) -> Board:
    runs = tmp_path_factory.mktemp("demo") / "runs"
    shutil.copytree(ROOT / "tests" / "data" / "demo", runs)
    return demo_board(ROOT, runs)


@pytest.fixture
def evil(toy: Toy) -> Board:
    """A board on which nothing that can be named is harmless."""
    toy.run(EVIL, 30)
    toy.run('" onload="alert(1)', 20)
    toy.run("{{ 7 * 7 }}", 10, model=f"org/{EVIL}")
    toy.run("</title></style>", 40, provenance={"model": "http://evil.example/x"})
    return toy.board(TOY + f"description: {json.dumps(EVIL)}\n")


@pytest.fixture
def votes(toy: Toy) -> Board:
    lines = [
        {
            "item": f"q{i}",
            "rater": f"r{i % 7}",
            "a": "甲",
            "b": EVIL,
            "winner": "a" if i % 8 else "tie",
        }
        for i in range(60)
    ]
    toy.file("".join(json.dumps(line) + "\n" for line in lines), "votes.jsonl")
    return votes_board(BoardConfig(name="liked", votes="votes.jsonl"), toy.place)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_loads_nothing(demo: Board, lang: Lang) -> None:
    page = render_board(demo, lang=lang)

    assert re.findall(r"""(?:src|href)=|url\(|@import|https?:|\bfetch\(""", page) == []


def test_policy_allows_exactly_the_script_and_style_of_the_page(demo: Board) -> None:
    page = render_board(demo)

    policy = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', page)
    assert len(policy) == 1
    assert policy[0].startswith("default-src 'none'; ")
    for tag, kind in (("style", "style-src"), ("script", "script-src")):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in policy[0]
    assert not re.search(r"""<[^>]*\s(?:style|on\w+)=["']""", page)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_name_is_never_markup(evil: Board, lang: Lang) -> None:
    changed = [Change(code="added", name=EVIL, after=EVIL)]

    page = render_board(evil, changed, lang=lang)

    assert page.count("<script>") == page.count("</script>") == 1
    assert page.count("</style>") == page.count("<style>") == 1
    assert page.count("<title>") == page.count("</title>")
    assert "&lt;script&gt;alert(&#39;boo&#39;)" in page
    assert ' onload="' not in page
    assert "{{ 7 * 7 }}" in page


def test_the_answer_is_the_first_thing_read(demo: Board) -> None:
    page = render_board(demo)

    assert "<h1>lora-r16-replay is first</h1>" in page
    assert page.index("<h1>") < page.index('<table class="tm-board">')
    assert "<title>lora-r16-replay is first – demo</title>" in page
    assert 'class="tm-badge tm-status-preliminary">preliminary</span>' in page


def test_the_table_has_the_models_in_order_with_their_tie_groups(demo: Board) -> None:
    page = render_board(demo)

    table = re.search(r'<table class="tm-board">.*?</table>', page, re.DOTALL)
    assert table is not None
    assert re.findall(r'<th scope="row" data-sort="([^"]+)"', table[0]) == [
        "lora-r16-replay",
        "lora-r8",
        "base",
        "lora-excess",
    ]
    assert re.findall(r'data-tie="(\d+)"', table[0]) == ["1", "2", "2", "3"]
    assert "0.434 <small>[0.372, 0.498]</small>" in table[0]


def test_both_languages_say_the_same_numbers(demo: Board) -> None:
    pages = [render_board(demo, lang=lang) for lang in ("en", "zh")]

    values = [re.findall(r"−?\d\.\d{3}", page) for page in pages]
    assert values[0] == values[1]
    assert len(values[0]) > 50
    assert '<html lang="en">' in pages[0]
    assert '<html lang="zh-Hans">' in pages[1]


def test_the_english_page_has_no_chinese_words_and_the_chinese_has(demo: Board) -> None:
    assert CJK.search(render_board(demo, lang="en")) is None
    assert "<h1>lora-r16-replay 排名第一</h1>" in render_board(demo, lang="zh")


@pytest.mark.parametrize("key", sorted(BOARD))
def test_both_languages_fill_in_the_same(key: str) -> None:
    english, chinese = BOARD[key]

    assert set(PLACEHOLDER.findall(english)) == set(PLACEHOLDER.findall(chinese))
    assert CJK.search(english) is None


@pytest.mark.parametrize("code", sorted(REASONS))
def test_a_reason_is_said_as_in_the_terminal(code: Any) -> None:
    fields = {name: f"<{name}>" for name in PLACEHOLDER.findall(REASONS[code])}
    found = reason(code, **fields)

    assert reason_text(found, "en") == found.text
    assert all(text in reason_text(found, "zh") for text in fields.values())


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_a_change_is_said_in_chinese_with_all_that_changed(code: Any) -> None:
    change = Change(code=code, name="<name>", before="<before>", after="<after>")

    told = change_text(change, "zh")

    assert CJK.search(told)
    names = PLACEHOLDER.findall(TEXTS[code])
    assert all(f"<{name}>" in told for name in names)
    assert change_text(change, "en") == change.text


def test_whiskers_stand_around_their_dots(demo: Board) -> None:
    found = charts(demo, "en")

    assert [chart.title for chart in found] == [
        "Composite",
        "clinic-en · token_f1",
        "retention · contains",
    ]
    for chart in found:
        for line in chart.lines:
            assert 0 <= line.low <= line.at <= line.high <= 100


def test_the_best_is_on_top_and_right_where_less_is_better(toy: Toy) -> None:
    toy.run("good", 38)
    toy.run("bad", 2)
    board = toy.board(TOY.replace("exact_match", "ter"))

    (chart,) = charts(board, "en")

    assert chart.is_reversed
    assert [line.name for line in chart.lines] == ["good", "bad"]
    assert chart.lines[0].at > chart.lines[1].at
    assert "ter ↓" in render_board(board)


def test_the_chart_of_ranks_shows_what_is_open(demo: Board) -> None:
    chart = rank_chart(demo, "en")

    assert chart is not None
    assert [line.rank for line in chart.lines] == ["1", "2–3", "2–3", "4"]
    assert [line.low == line.high for line in chart.lines] == [True, False, False, True]
    assert [line.is_level for line in chart.lines] == [True, False, False, False]
    assert chart.note == "17 % of the order is open"


def test_models_without_rank_are_listed_with_their_reason(evil: Board) -> None:
    page = render_board(evil)

    assert "<h2>Not ranked</h2>" in page
    assert "the model is not pinned" in page


def test_a_board_of_which_nobody_is_ranked_says_so(toy: Toy) -> None:
    toy.run("a", 10, model="org/a")

    board = toy.board()

    assert answer(board, "en") == "No model is ranked"
    assert "<h1>没有参与排名的模型</h1>" in render_board(board, lang="zh")


def test_a_board_without_order_names_no_winner(ROOT: Path, demo_runs: Path) -> None:
    text = DEMO.replace(", weight: 2", "").replace(", weight: 1", "")

    board = demo_board(ROOT, demo_runs, text)

    assert answer(board, "en") == "4 models, no overall rank"
    assert rank_chart(board, "en") is None
    assert "No weights are declared" in render_board(board)


def test_a_tie_at_the_top_names_how_many(toy: Toy) -> None:
    for name in ("a", "b", "c"):
        toy.run(name, 20)

    assert answer(toy.board(), "en") == "a leads; 2 more cannot be told apart from it"


def test_one_model_is_alone(toy: Toy) -> None:
    toy.run("a", 20)
    board = toy.board()

    assert answer(board, "en") == "a is alone"
    assert "<h1>a is alone</h1>" in render_board(board)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_votes_have_a_page_with_who_beat_whom(votes: Board, lang: Lang) -> None:
    page = render_board(votes, lang=lang)

    assert "甲" in page
    assert page.count("<script>") == 1
    assert "52 / 8 / 0" in page
    assert re.search(r'<td class="tm-n">·</td><td class="tm-n">56</td>', page)
    assert re.findall(r"""(?:src|href)=|url\(|https?:""", page) == []


def test_changes_are_told_on_the_page(demo: Board) -> None:
    page = render_board(demo, [Change(code="added", name="lora-new", after="rank 1")])

    assert "<li>lora-new: new, rank 1</li>" in page


def test_the_same_board_is_the_same_page(toy: Toy) -> None:
    toy.run("a", 30)
    toy.run("a", 30, suite="two")

    assert render_board(toy.board(BOTH)) == render_board(toy.board(BOTH))


@pytest.fixture
def browser_page() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_page(locale="en-US")
        browser.close()


@pytest.mark.browser
@pytest.mark.skipif(shutil.which(CHROMIUM) is None, reason=f"{CHROMIUM} is not installed")
def test_a_click_on_a_head_sorts_and_a_second_turns_it_round(
    demo: Board, tmp_path: Path, browser_page: Any
) -> None:
    file = tmp_path / "board.html"
    file.write_text(render_board(demo), encoding="utf-8")
    errors: list[str] = []
    browser_page.on("console", lambda m: m.type == "error" and errors.append(m.text))
    browser_page.on("pageerror", lambda error: errors.append(str(error)))
    browser_page.goto(file.as_uri())

    def order() -> list[str]:
        cells = browser_page.locator(".tm-board tbody th")
        return [text.split()[0] for text in cells.all_inner_texts()]

    first = order()
    head = browser_page.locator(".tm-board thead th", has_text="contains").locator("button")
    head.click()
    by_retention = order()
    head.click()
    turned = order()

    assert first == ["lora-r16-replay", "lora-r8", "base", "lora-excess"]
    assert by_retention == ["lora-r16-replay", "base", "lora-r8", "lora-excess"]
    assert turned == by_retention[::-1]
    assert errors == []


@pytest.mark.browser
@pytest.mark.skipif(shutil.which(CHROMIUM) is None, reason=f"{CHROMIUM} is not installed")
def test_evil_names_run_nothing_and_a_narrow_page_does_not_scroll_sideways(
    evil: Board, tmp_path: Path, browser_page: Any
) -> None:
    file = tmp_path / "board.html"
    file.write_text(render_board(evil, lang="zh"), encoding="utf-8")
    said: list[str] = []
    browser_page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    browser_page.set_viewport_size({"width": 400, "height": 800})

    browser_page.goto(file.as_uri())

    wide = browser_page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 400
    assert said == []
