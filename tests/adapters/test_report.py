"""Does the replay's page say what happened, to everyone, without asking anyone else?"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from millrace.adapters.report import Service, list_services, render_replay
from millrace.domain.replay import ReplayPage, ReplayRow, name_champion, tell_headline, tell_summary

FIRST, SECOND = "a1" * 32, "b2" * 32

BOOTSTRAP = ReplayRow("2013-03", 28_886, "accepted", "TRAIN", "pass", None, FIRST, None, None, 14.2)
NOT_PROVEN = ReplayRow(
    "2013-04", 28_353, "accepted", "TRAIN", "inconclusive", FIRST, FIRST, 0.630, 0.630, 15.2
)
CORRUPTED = ReplayRow("2013-05", 28_783, "quarantined", "", "", FIRST, FIRST, None, None, 0.9)
BETTER = ReplayRow("2013-05", 28_783, "accepted", "TRAIN", "pass", FIRST, SECOND, 0.704, 0.719, 16.2)
JUNE = ReplayRow("2013-06", 28_231, "accepted", "SKIP", "", SECOND, SECOND, 0.675, 0.754, 1.2)
PAGE = ReplayPage(
    model="flights",
    metric="auc",
    rows=(BOOTSTRAP, NOT_PROVEN, CORRUPTED, BETTER, JUNE),
    versions={"millrace": "0.1.0", "scikit-learn": "1.9.1"},
    made_at=datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
)


@dataclass
class Reader(HTMLParser):
    """What a browser would see of a page."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    table: list[tuple[str | None, list[str]]] = field(default_factory=list)
    in_cell: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.table.append((dict(attrs).get("class"), []))
        if tag in ("th", "td"):
            self.table[-1][1].append("")
            self.in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self.in_cell = self.in_cell and tag not in ("th", "td")

    def handle_data(self, data: str) -> None:
        if self.in_cell:
            self.table[-1][1][-1] += data.strip()

    def attributes(self, name: str) -> list[str]:
        return [value for _, attributes in self.tags if (value := attributes.get(name))]


def read(page: ReplayPage) -> Reader:
    reader = Reader()
    reader.feed(render_replay(page))
    return reader


def test_the_headline_is_the_last_month_that_both_were_scored_on() -> None:
    assert tell_headline(PAGE) == "Kept: AUC 0.754 in June. Frozen: 0.675."
    assert "<h1>Kept: AUC 0.754 in June. Frozen: 0.675.</h1>" in render_replay(PAGE)


def test_a_replay_that_kept_nothing_up_says_so_too() -> None:
    worse = replace(PAGE, rows=(replace(JUNE, kept=0.6, frozen=0.7),))
    assert tell_headline(worse) == "Kept: AUC 0.600 in June. Frozen: 0.700."


def test_the_summary_counts_releases_refusals_and_quarantines() -> None:
    assert tell_summary(PAGE) == (
        "2 versions released, 1 challenger refused, 0 versions taken back, 1 batch quarantined"
    )


@pytest.mark.parametrize("gate", ["fail", "inconclusive"])
def test_only_a_pass_is_no_refusal(gate: str) -> None:
    assert replace(NOT_PROVEN, gate=gate).refused
    assert not BETTER.refused
    assert not JUNE.refused


def test_a_version_answers_from_the_end_of_the_month_it_was_released_in() -> None:
    assert list_services(PAGE) == [Service(FIRST, 0.5, 2.5), Service(SECOND, 2.5, 4.5)]


def test_a_replay_may_begin_with_a_champion() -> None:
    assert list_services(replace(PAGE, rows=(BETTER,))) == [
        Service(FIRST, -0.5, 0.5),
        Service(SECOND, 0.5, 1.5),
    ]


def test_the_table_has_every_row_with_its_figures() -> None:
    (_, head), *rows = read(PAGE).table
    assert len(head) == 11
    assert [row[0] for _, row in rows] == ["2013-03", "2013-04", "2013-05", "2013-05", "2013-06"]
    before, after = name_champion(FIRST), name_champion(SECOND)
    assert rows[3][1] == [
        "2013-05", "28,783", "accepted", "TRAIN", "pass", "—", before, after, "0.704", "0.719", "16.2",
    ]  # fmt: skip
    assert rows[0][1][6:10] == ["none", before, "—", "—"]


def test_refused_challengers_and_quarantined_batches_are_marked() -> None:
    kinds = [kind for kind, _ in read(PAGE).table[1:]]
    assert kinds == ["promoted", "refused", "quarantined", "promoted", "quiet"]


def test_the_timeline_marks_each_event_in_both_drawings() -> None:
    def marks(color: str, page: ReplayPage) -> int:
        chart = render_replay(page).split("<figcaption>")[0].split("<figure>")[1]
        return chart.count(f'fill="var(--{color})" stroke="var(--paper)"')

    with_two = replace(PAGE, rows=(*PAGE.rows, replace(NOT_PROVEN, month="2013-06")))
    assert marks("refused", with_two) - marks("refused", PAGE) == 2
    assert marks("quarantined", PAGE) > 0
    assert marks("quarantined", replace(PAGE, rows=(BOOTSTRAP, BETTER))) == 0


def test_the_page_needs_no_network_and_no_script() -> None:
    page, reader = render_replay(PAGE), read(PAGE)
    assert not {tag for tag, _ in reader.tags} & {"script", "link", "img", "iframe", "object", "image"}
    assert not [value for name in ("src", "href") for value in reader.attributes(name)]
    assert all(value.startswith("#") for value in reader.attributes("xlink:href"))
    assert "http" not in page
    assert "@import" not in page


def test_no_id_stands_twice_and_every_reference_finds_its_own() -> None:
    reader = read(PAGE)
    ids = reader.attributes("id")
    assert len(ids) == len(set(ids))
    assert {value.removeprefix("#") for value in reader.attributes("xlink:href")} <= set(ids)
    assert set(reader.attributes("aria-labelledby")) <= set(ids)


def test_the_chart_follows_the_light_and_the_dark_theme() -> None:
    page = render_replay(PAGE)
    chart = page.split("<figcaption>")[0].split("<figure>")[1]
    assert "prefers-color-scheme: dark" in page
    assert 'stroke="var(--kept)"' in chart
    assert 'stroke="var(--frozen)"' in chart
    assert "#0a0b" not in page


def test_who_cannot_see_the_chart_hears_its_figures() -> None:
    (label,) = read(PAGE).attributes("aria-label")
    assert "AUC by month: April 0.630 frozen, 0.630 kept; May 0.704 frozen, 0.719 kept" in label


def test_text_from_outside_cannot_become_markup() -> None:
    hostile = replace(JUNE, event="<script>alert(1)</script>", champion_after="<b>x</b>", month="<i>")
    page = render_replay(replace(PAGE, model="<script>", rows=(hostile,), versions={"<u>": "<s>"}))
    assert not [tag for tag in ("<script", "<b>", "<i>", "<u>", "<s>") if tag in page]


def test_a_dollar_in_a_name_is_no_formula() -> None:
    priced = replace(BETTER, champion_after="v2 $1$")
    assert render_replay(replace(PAGE, rows=(priced,))).count(">v2 $1$<") == 3  # two drawings and the table


def test_the_same_replay_gives_the_same_bytes() -> None:
    assert render_replay(PAGE) == render_replay(PAGE)


def test_a_replay_in_which_nothing_happened_yet_still_renders() -> None:
    page = render_replay(replace(PAGE, rows=()))
    assert "flights: no month has been scored yet." in page
    assert "0 versions released" in page
