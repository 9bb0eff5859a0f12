"""A lab sheet says what was done, and its tables open in any spreadsheet."""

import csv
import io

from components.widgets import lab_sheet


def test_the_text_has_all_facts_results_and_captions():
    sheet = lab_sheet.Sheet(
        title="Ideal images",
        facts={"Backbone": "Pocket", "Target": "goldfish"},
        results=["goldfish 98.2 %"],
        files={"picture-1.png": (b"png", "goldfish, step 20.")},
    )
    words = sheet.words()
    for part in (
        "Ideal images, ",
        "Backbone: Pocket\nTarget: goldfish",
        "goldfish 98.2 %",
        "picture-1.png: goldfish, step 20.",
        "What I expected:",
    ):
        assert part in words


def test_a_table_keeps_names_with_commas_and_quotes():
    rows = [["great pyrenees, “dog”", 3, 0.5], ['the "cat"', 4, None]]
    content = lab_sheet.table(["class", "photos", "accuracy"], rows)
    read = list(csv.reader(io.StringIO(content.decode())))
    assert read[0] == ["class", "photos", "accuracy"]
    assert read[1:] == [[str(v) if v is not None else "" for v in row] for row in rows]
