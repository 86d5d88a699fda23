"""What `head_speed.py` and `device_speed.py` measure: heads over random features, and a step."""

import time
from unittest import mock

import torch
from torch import nn
from torch.nn import functional

from baselines.encoder import frame_encoder
from baselines.encoder.frame_encoder import FrameEncoder
from baselines.models import clip4clip_meanp, drl_wti, xclip, xpool
from dvtr_bench.evaluation.evaluate import EvaluationConfig
from dvtr_bench.features.encode import join_features
from dvtr_bench.ranking.blocks import Grid, cut
from dvtr_bench.training.optimiser import new_optimiser, parameter_groups, trained_parameters
from dvtr_bench.training.recipe import Recipe
from msam.models import msam
from tests.oracles import authors_loops
from tests.oracles.authors_step import AuthorsStep
from tests.oracles.direct_fusion_pooling import direct_fusion_similarity
from tests.oracles.direct_wti import direct_wti_similarity
from tests.oracles.direct_xclip import direct_xclip_similarity
from tests.oracles.direct_xpool import direct_xpool_similarity

WIDTH, MAX_WORDS, FRAMES = 512, 32, 12
WORDS_MEAN, WORDS_STD, FEWEST, MOST = 12.6, 4.1, 5, 27
"""How long USRD's test captions are in CLIP's tokens, start and end included."""

SMALL_TOWERS = {
    "embed_dim": WIDTH,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 99, "width": WIDTH, "heads": 8, "layers": 4},
}
"""Never run; the transformer over frames starts from the text tower, as wide as ViT-B/32's."""

REPEATED, SHARED_MEAN = 0.17, 3.8
"""How many of them repeat another one whole, and how many words the rest share with one: together
42 of 100 words."""


def word_features(captions, *, alike):
    """Random words, T x L x C, as long as USRD's; ``alike``: captions begin alike as often."""
    drawn = torch.normal(WORDS_MEAN, WORDS_STD, (captions,)).round().long()
    lengths = drawn.clamp(FEWEST, MOST)
    words = torch.randn(captions, MAX_WORDS, WIDTH)
    for row in range(1, captions if alike else 0):
        other = int(torch.randint(row, ()))
        if torch.rand(()) < REPEATED:
            lengths[row], shared = lengths[other], int(lengths[other])
        else:
            # Every caption begins with the start token.
            more = torch.empty(()).geometric_(1 / SHARED_MEAN)
            shared = int(min(more, lengths[other], lengths[row]))
        words[row, :shared] = words[other, :shared]
    return {
        "token_embeds": words,
        "token_mask": torch.arange(MAX_WORDS) < lengths[:, None],
    }


def frame_features(videos):
    """Random frames, V x F x C, all there."""
    return {
        "frame_embeds": torch.randn(videos, FRAMES, WIDTH),
        "frame_mask": torch.ones(videos, FRAMES, dtype=torch.bool),
    }


class Head:
    """A head over features as its towers would give them.

    Attributes:
        pairs: Pairs of batches of the authors' loop.
    """

    module = None
    sequence_of_words = False
    alike = True

    def __init__(self, captions, videos) -> None:
        """Build the head with random weights, and draw features."""
        with mock.patch.object(frame_encoder, "TINY_CONFIG", SMALL_TOWERS):
            encoder = FrameEncoder("tiny", quick_gelu=True)
        config = self.module.Config(backbone="tiny", max_words=MAX_WORDS, max_frames=FRAMES)
        self.model = self.module.Model(config, encoder).eval()
        self.texts = (
            word_features(captions, alike=self.alike)
            if self.sequence_of_words
            else {"text_embeds": torch.randn(captions, WIDTH)}
        )
        self.videos = frame_features(videos)
        self.sizes = sizes = EvaluationConfig()
        block = getattr(self.model, "text_block", 1)
        rows = max(1, sizes.block_captions // block) * block
        self.grid = Grid(captions, videos, rows, sizes.block_videos)
        self.size = captions, videos
        self.pairs = len(self.sample(1))
        self.ready = self.heads_outputs()

    def sample(self, every):
        """Pairs of batches."""
        return authors_loops.pairs_of_batches(*self.size, every)

    def heads_outputs(self):
        """What the head makes of either side, as many items at a time as are encoded at once."""
        sides = (
            (self.model.head_texts, self.texts, self.sizes.text_batch),
            (self.model.head_videos, self.videos, self.sizes.video_batch),
        )
        return [
            join_features(
                [make(_part(features, part)) for part in cut(len(_first(features)), batch)], "head"
            )
            for make, features, batch in sides
        ]

    def scores(self):
        """Score as `dvtr-bench evaluate` does, block by block."""
        return self._scored(*self.ready)

    def from_towers(self):
        """Do all that comes behind the towers."""
        return self._scored(*self.heads_outputs())

    def released(self, every):
        """Do what the authors' loop does for some of its pairs of batches."""
        for texts, videos in self.sample(every):
            self.release(_part(self.texts, texts), _part(self.videos, videos))

    def direct(self, every):
        """Score the same pairs by the direct form, what the head makes of either side being there.

        Returns:
            The scores of each pair of batches.
        """
        texts, videos = self.ready
        return [
            self.direct_form(_part(texts, rows), _part(videos, columns))
            for rows, columns in self.sample(every)
        ]

    def warm_up(self):
        """Load and compile what is loaded and compiled once, and see that both forms agree."""
        rows, columns = slice(0, 40), slice(0, 35)
        texts, videos = _part(self.ready[0], rows), _part(self.ready[1], columns)
        if hasattr(self.model, "at_block"):
            texts = _part(texts, slice(0, authors_loops.BATCH))
        direct = self.direct_form(texts, videos)
        torch.testing.assert_close(self.model.score(texts, videos), direct, atol=1e-5, rtol=0)
        self.release(_part(self.texts, slice(0, 4)), _part(self.videos, slice(0, 3)))

    def _scored(self, texts, videos):
        for block in self.grid:
            self.model.score(_part(texts, block.captions), _part(videos, block.videos))


class MeanPooling(Head):
    """CLIP4Clip meanP."""

    module = clip4clip_meanp

    def release(self, texts, videos):
        """For one pair of batches."""
        return authors_loops.meanp(
            texts["text_embeds"], videos["frame_embeds"], videos["frame_mask"]
        )

    def direct_form(self, texts, videos):
        """One matrix product."""
        return texts["text_embeds"] @ videos["video_embeds"].T


class XPool(Head):
    """X-Pool."""

    module = xpool

    def release(self, texts, videos):
        """The release pools all at once; in small batches it takes less memory and time."""
        return self.direct_form(texts, videos)

    def direct_form(self, texts, videos):
        """T x V."""
        return direct_xpool_similarity(
            self.model.pooling.state_dict(),
            texts["text_embeds"],
            videos["frame_embeds"],
            videos["frame_mask"],
        )


class Xclip(Head):
    """X-CLIP."""

    module = xclip
    sequence_of_words = True

    def release(self, texts, videos):
        """The transformer over frames is run for each pair of batches."""
        words, mask = texts["token_embeds"], texts["token_mask"]
        sentence = words[torch.arange(len(words)), mask.sum(dim=1) - 1]
        return authors_loops.xclip(
            self.model.temporal,
            self.model.grains.state_dict(),
            sentence,
            words,
            mask,
            videos["frame_embeds"],
            videos["frame_mask"],
        )

    def direct_form(self, texts, videos):
        """T x V."""
        return direct_xclip_similarity(
            self.model.grains.state_dict(),
            *(texts[name] for name in ("text_embeds", "token_embeds", "token_mask")),
            *(videos[name] for name in ("video_embeds", "frame_embeds", "frame_mask")),
        )


class Wti(Head):
    """DRL's WTI; the release keeps frames as the transformer over them gives them, as here."""

    module = drl_wti
    sequence_of_words = True

    def __init__(self, captions, videos) -> None:
        """Without the transformer over frames: neither form runs it again."""
        super().__init__(captions, videos)
        self.model.temporal = _Unchanged()
        self.ready = self.heads_outputs()

    def release(self, texts, videos):
        """Tokens are weighed for each pair of batches."""
        return authors_loops.wti(
            *(
                nn.Sequential(part.fc1, nn.ReLU(), part.fc2)
                for part in (self.model.token_weights, self.model.frame_weights)
            ),
            texts["token_embeds"],
            texts["token_mask"],
            videos["frame_embeds"],
            videos["frame_mask"],
        )

    def direct_form(self, texts, videos):
        """The logarithm of a weight is a logit of it."""
        return direct_wti_similarity(
            texts["token_embeds"],
            texts["token_weights"].log(),
            texts["token_mask"],
            videos["frame_embeds"],
            videos["frame_weights"].log(),
            videos["frame_mask"],
        )


class XclipAllDiffer(Xclip):
    """No word of a caption is that of another one."""

    alike = False


class WtiAllDiffer(Wti):
    """No word of a caption is that of another one."""

    alike = False


class Msam(Head):
    """MSAM in blocks of 32 texts, as published."""

    module = msam

    def release(self, texts, videos):
        """The transformer over frames is run for each pair of batches."""
        return authors_loops.msam(
            self.model.temporal,
            self._gate(),
            texts["text_embeds"],
            videos["frame_embeds"],
            videos["frame_mask"],
        )

    def direct_form(self, texts, videos):
        """T x V, the texts being one block."""
        embeds = texts["text_embeds"]
        return direct_fusion_similarity(
            embeds, videos["frame_embeds"], videos["frame_mask"], self._gate(), len(embeds)
        )

    def _gate(self):
        gate = self.model.gate
        return nn.Sequential(gate.fc1, nn.ReLU(), gate.fc2)


HEADS = {
    "clip4clip_meanp": MeanPooling,
    "xpool": XPool,
    "drl_wti": Wti,
    "drl_wti, all words differ": WtiAllDiffer,
    "xclip": Xclip,
    "xclip, all words differ": XclipAllDiffer,
    "msam": Msam,
}


class TrainingStep:
    """A step of MSAM on ViT-B/32 with random weights, ours and the authors'.

    Each clip has one caption. The authors' pixels are normalised already, and places without a
    frame are 0 there: they encode them, too.
    """

    def __init__(self, clips, frames, *, device="cpu", backbone="ViT-B-32", autocast="off") -> None:
        """Draw the weights and a batch of which every clip has so many frames."""
        encoder = FrameEncoder(backbone, quick_gelu=True)
        config = msam.Config(backbone=backbone, max_frames=FRAMES)
        self.model = msam.Model(config, encoder).to(device).train()
        recipe = Recipe(autocast=autocast)
        self.autocast = autocast != "off"
        self.names = trained_parameters(self.model, recipe)
        self.groups = parameter_groups(self.model, self.names, recipe)
        self.optimiser = new_optimiser(self.groups, recipe)
        shape = clips, FRAMES, 3, encoder.image_size, encoder.image_size
        self.pixels = torch.randint(0, 256, shape).to(torch.uint8).to(device)
        self.mask = (torch.arange(FRAMES).expand(clips, -1) < frames).to(device)
        captions = ["a car turns left at the crossing and stops", "two people walk on a beach"]
        tokens = self.model.tokenize([captions[row % 2] for row in range(clips)])
        self.tokens = tokens.to(device)

    def ours(self):
        """Do one step as `dvtr_bench.training.loop` does."""
        self.optimiser.zero_grad(set_to_none=True)
        with torch.autocast(self.pixels.device.type, torch.bfloat16, enabled=self.autocast):
            frames = self.model.encode_frames({"pixels": self.pixels, "frame_mask": self.mask})
            loss = self.model.training_loss(self.tokens, frames)["loss"]
        loss.backward()
        nn.utils.clip_grad_norm_(self.names, 1.0)
        self.optimiser.step()
        return loss.item()

    def released(self):
        """Do one step as the authors' code does."""
        if not hasattr(self, "authors"):
            rates = {
                self.names[parameter]: (group["lr"], group["weight_decay"])
                for group in self.groups
                for parameter in group["params"]
            }
            self.authors = AuthorsStep(self.model, rates, rates)
            encoder = self.model.encoder
            normalised = (self.pixels.float() / 255 - encoder.pixel_mean) / encoder.pixel_std
            self.normalised = normalised * self.mask[..., None, None, None]
        return self.authors.step(self.tokens, self.normalised, self.mask)


def bare_product_seconds(captions, videos):
    """CPU seconds of words x frames as matrix products alone, all words different."""
    words = functional.normalize(torch.randn(round(captions * WORDS_MEAN), WIDTH), dim=-1)
    columns = functional.normalize(torch.randn(WIDTH, 64 * FRAMES), dim=0)
    out = torch.empty(1365, 64 * FRAMES)
    began = time.process_time()
    for part in words.split(len(out)):
        for _ in range(0, videos, 64):
            torch.mm(part, columns, out=out[: len(part)])
    # The last columns may be fewer.
    return (time.process_time() - began) * videos / (64 * -(-videos // 64))


def _part(features, rows):
    return {name: value[rows] for name, value in features.items()}


def _first(features):
    return next(iter(features.values()))


class _Unchanged(nn.Module):
    def forward(self, frames, mask):
        return frames
