"""Cheats by the order of calls and by memory, each beside its honest twin."""

import functools

import pytest
import torch

from dvtr_bench.errors import ProtocolError
from dvtr_bench.evaluation.post_process import PostProcess
from tests.fixtures.cheated import CAPTIONS, VIDEOS, cheated_split, r1_of, records_of
from tests.fixtures.memory_split import BlockModel, HonestModel

MEMORY: dict = {}
HIDDEN = "_memory_of_a_cheat"


@pytest.fixture
def split():
    return cheated_split()


@pytest.fixture(autouse=True)
def _forget():
    yield
    MEMORY.clear()
    vars(torch).pop(HIDDEN, None)
    if "late" in vars(Remembers):
        del Remembers.late


def _hidden():
    """Return a memory that nothing leads to which the harness puts back."""
    return vars(torch).setdefault(HIDDEN, {})


# The order of calls.


class Places(HonestModel):
    """Sees nothing: remembers at which place of the calls each caption and video first came."""

    name = "places"
    memory: dict = {}

    def _places(self, kind, items, items_a_video):
        known = self.memory.setdefault(kind, {})
        rows = [known.setdefault(item, len(known)) // items_a_video for item in items]
        return {f"{kind}_embeds": torch.nn.functional.one_hot(torch.tensor(rows), 64).float()}

    def encode_texts(self, captions):
        return self._places("text", captions, CAPTIONS)

    def encode_videos(self, videos):
        return self._places("video", [video[0].tobytes() for video in videos], 1)


class HiddenPlaces(Places):
    memory = property(lambda self: _hidden())


def test_the_order_of_encoding_tells_nothing(split) -> None:
    """Wherever it is remembered: captions are given in another order than the videos."""
    assert r1_of(HiddenPlaces(), split) < 20
    with pytest.raises(ProtocolError, match="encoded in other batches"):
        records_of(Places(), split)
    assert r1_of(HonestModel(), split) > 50


def _score_by_place(text_block):
    """Make a model that remembers at which place of the one block each row and column stood."""

    class ByPlace(HonestModel):
        name = "by place"
        scoring = "pairwise" if text_block is None else "query_block"

        def __init__(self, block=text_block) -> None:
            self.text_block = block

        def at_block(self, block):
            return type(self)(block)

        def score(self, texts, videos):
            memory = _hidden()
            sides = texts["text_embeds"], videos["video_embeds"]
            if not memory:
                for side, share in zip(sides, (CAPTIONS, 1), strict=True):
                    for place, row in enumerate(side):
                        memory[row.numpy().tobytes()] = place // share
            rows, columns = ([memory.get(r.numpy().tobytes(), -1) for r in side] for side in sides)
            return (torch.tensor(rows)[:, None] == torch.tensor(columns)).float()

    return ByPlace()


@pytest.mark.parametrize("text_block", [None, 4, VIDEOS * CAPTIONS, 10**6])
def test_the_place_in_a_block_tells_nothing(split, text_block) -> None:
    """Nor does it for a model whose text block is the whole query set."""
    assert r1_of(_score_by_place(text_block), split) < 20
    if text_block == 4:
        assert r1_of(BlockModel(), split) > 50


def test_ranks_do_not_depend_on_the_seed_of_the_order(split) -> None:
    """An honest model's: a maintainer's rerun by a seed of one's own gives the same ranks."""
    for model in (HonestModel, BlockModel):
        first, second = (
            [record.ranks for record in records_of(model(), split, seed=seed)] for seed in (0, 7)
        )
        assert first == second


def test_the_query_set_keeps_its_order_for_post_processing(split) -> None:
    ways = (PostProcess.of("dual_softmax:inverse_temperature=0.5"),)
    first, second = (records_of(HonestModel(), split, seed=s, post_process=ways) for s in (0, 7))
    assert [record.ranks for record in first] == [record.ranks for record in second]


# Memory of what the company of a pair was.


def _softmax_of_queries(scores):
    return scores.softmax(0)


def _sigmoid(scores):
    return (scores / 20).sigmoid()


class Remembers(HonestModel):
    """Repeats the score that a pair had at first."""

    name = "remembers"
    of = staticmethod(_softmax_of_queries)

    def remembered(self):
        raise NotImplementedError

    def score(self, texts, videos):
        memory = self.remembered()
        scores = type(self).of(HonestModel.score(self, texts, videos))
        names = [
            [row.numpy().tobytes() for row in side]
            for side in (texts["text_embeds"], videos["video_embeds"])
        ]
        for row, text in enumerate(names[0]):
            for column, video in enumerate(names[1]):
                scores[row, column] = memory.setdefault((text, video), float(scores[row, column]))
        return scores


def _in_class():
    class InClass(Remembers):
        memory: dict = {}

        def remembered(self):
            return self.memory

    return InClass


def _in_global():
    class InGlobal(Remembers):
        def remembered(self):
            return MEMORY

    return InGlobal


def _in_default():
    class InDefault(Remembers):
        def remembered(self, memory={}):  # noqa: B006
            return memory

    return InDefault


def _in_closure():
    memory: dict = {}

    class InClosure(Remembers):
        def remembered(self):
            return memory

    return InClosure


def _in_cache():
    class InCache(Remembers):
        @staticmethod
        @functools.cache
        def memory():
            return {}

        def remembered(self):
            return self.memory()

    return InCache


class Holder:
    def __init__(self) -> None:
        self.memory: dict = {}


def _in_object():
    class InObject(Remembers):
        holder = Holder()

        def remembered(self):
            return self.holder.memory

    return InObject


def _in_new_attribute():
    class InNewAttribute(Remembers):
        def remembered(self):
            if not hasattr(Remembers, "late"):
                Remembers.late = {}
            return Remembers.late

    return InNewAttribute


class Own(Remembers):
    """Remembers in itself: its copy before the run has forgotten nothing, since it knew nothing."""

    def __init__(self) -> None:
        self.memory = self.new_memory()

    def new_memory(self):
        return {}

    def remembered(self):
        return self.memory


class CopiedAsItself(Own):
    def __deepcopy__(self, memo):
        return self


class CopiedByReduce(Own):
    def __reduce_ex__(self, protocol):
        return "the name of a global, which is copied as itself"


class SharesMemory(Own):
    def __deepcopy__(self, memo):
        other = type(self)()
        other.memory = self.memory
        return other


class Sticky(dict):
    def __deepcopy__(self, memo):
        return self


class KeptByState(Own):
    def new_memory(self):
        return Sticky()


OUTSIDE = [
    _in_class,
    _in_global,
    _in_default,
    _in_closure,
    _in_cache,
    _in_object,
    _in_new_attribute,
]
HOOKS = [CopiedAsItself, CopiedByReduce, SharesMemory, KeptByState]


@pytest.mark.parametrize("make", [*OUTSIDE, lambda: Own], ids=lambda make: make.__name__)
def test_a_remembered_softmax_over_the_queries_is_caught(split, make) -> None:
    """The twin remembers what depends on nothing else, and loses nothing by forgetting it."""
    with pytest.raises(ProtocolError, match="with queries shuffled"):
        records_of(make()(), split)
    MEMORY.clear()
    Remembers.late = {}
    honest = type("Honest", (make(),), {"of": staticmethod(_sigmoid)})
    plain = type("Plain", (HonestModel,), {"score": _score_sigmoid})
    assert records_of(honest(), split)[0].ranks == records_of(plain(), split)[0].ranks


def _score_sigmoid(self, texts, videos):
    return _sigmoid(HonestModel.score(self, texts, videos))


@pytest.mark.parametrize("hook", HOOKS)
def test_a_copy_that_is_none_is_refused(split, hook) -> None:
    with pytest.raises(ProtocolError, match="its copy changed while the model ran"):
        records_of(hook(), split)


class MakesAnew(Own):
    """What a lock or an open file asks for, and a large table that no copy needs to double."""

    of = staticmethod(_sigmoid)
    table = tuple(range(100))

    def __init__(self, table=table) -> None:
        super().__init__()
        self.table = table

    def __deepcopy__(self, memo):
        return type(self)(self.table)


def test_a_copy_with_hooks_of_its_own_passes(split) -> None:
    assert all(check.passed for check in records_of(MakesAnew(), split)[0].honesty)


def test_what_was_put_back_is_there_again_after_the_checks(split) -> None:
    model = type("Honest", (_in_class(),), {"of": staticmethod(_sigmoid)})
    model.memory["before"] = 1.0
    records_of(model(), split)
    assert model.memory["before"] == 1.0
    assert len(model.memory) == 1 + VIDEOS * CAPTIONS * VIDEOS
