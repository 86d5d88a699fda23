"""Tensor names in the authors' checkpoints of each model, and our names.

All of them descend from CLIP4Clip: the CLIP is under ``clip.`` with OpenAI's names, beside the
head. Names without a counterpart in our model are listed with the reason; an unknown name stops the
conversion.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from baselines.weights.huggingface_names import POSITION_NUMBERS
from baselines.weights.weights import ENCODER_PREFIX

AUTHORS_CLIP_PREFIX: Final = "clip."


@dataclass(frozen=True)
class AuthorsNames:
    """The names in the checkpoints of one model.

    A name that ends in a dot matches all that begin with it; of several that match, the longest
    counts.

    Attributes:
        source: The code that wrote such checkpoints, and the head.
        ours: Our name of each authors' name.
        dropped: Why each of these authors' names has no counterpart in our model.
        layers: Settings that are numbers of layers, with the name that the layers' numbers follow.
        lengths: Settings that are lengths, with our name of the tensor whose first axis has that
            length.
        settings: Other settings with which our model scores like theirs.
    """

    source: str
    ours: Mapping[str, str] = field(default_factory=dict)
    dropped: Mapping[str, str] = field(default_factory=dict)
    layers: Mapping[str, str] = field(default_factory=dict)
    lengths: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)

    def our_name(self, name: str) -> str | None:
        """Return our name of an authors' name; None if there is none."""
        prefix = _longest(self._all_ours, name)
        return None if prefix is None else self._all_ours[prefix] + name.removeprefix(prefix)

    def reason_to_drop(self, name: str) -> str | None:
        """Return why an authors' name has no counterpart in our model; None if it has one."""
        prefix = _longest(self._all_dropped, name)
        return None if prefix is None else self._all_dropped[prefix]

    def head_is_in(self, names: Mapping[str, object]) -> bool:
        """Tell whether these authors' names include all parts of the head, and no others."""
        known = all(self.our_name(name) or self.reason_to_drop(name) for name in names)
        return known and all(
            any(_fits(theirs, name) for name in names) for theirs in self._all_ours
        )

    @property
    def _all_ours(self) -> dict[str, str]:
        return {AUTHORS_CLIP_PREFIX: ENCODER_PREFIX, **self.ours}

    @property
    def _all_dropped(self) -> dict[str, str]:
        return {**_NUMBERS_OF_THE_ARCHIVE, **self.dropped}


def _fits(theirs: str, name: str) -> bool:
    return name.startswith(theirs) if theirs.endswith(".") else name == theirs


def _longest(table: Mapping[str, str], name: str) -> str | None:
    return max((theirs for theirs in table if _fits(theirs, name)), key=len, default=None)


_NUMBERS_OF_THE_ARCHIVE: Final = {
    f"{AUTHORS_CLIP_PREFIX}{name}": "a number of OpenAI's archive, not a weight"
    for name in ("input_resolution", "context_length", "vocab_size")
}

_SEQ_TRANSF: Final = {
    "frame_position_embeddings.weight": "temporal.frame_position_embeddings",
    "transformerClip.": "temporal.transformer.",
}

_TEMPORAL_LAYERS: Final = {"temporal_layers": "temporal.transformer.resblocks."}

_UNUSED_CROSS: Final = {
    name: "the cross encoder, made without --loose_type; only tightTransf uses it"
    for name in ("cross.", "similarity_dense.")
}

_X_CLIP_MATRICES: Final = (
    "global_mat_weight",
    "local_mat_weight",
    "word_logit_weight",
    "word_mat_weight",
    "word_mat_weight2",
    "frame_logit_weight",
    "frame_mat_weight",
    "frame_mat_weight2",
)

_NO_WEIGHT_ON_SOFTMAX: Final = (
    "adds the same to every logit of a softmax, which takes it away again"
)

_UNUSED_MSAM: Final = "made by the authors' code and used by none of its forward passes"


def _msam_slots(side: str) -> dict[str, str]:
    theirs, ours = f"preloss.p.pie_net_{side}", f"branch.{side}_slots"
    return {
        f"{theirs}.attention.w_1.": f"{ours}.w1.",
        f"{theirs}.attention.w_2.": f"{ours}.w2.",
        f"{theirs}.fc.": f"{ours}.residual.",
        f"{theirs}.layer_norm.": f"{ours}.layer_norm.",
        f"{theirs}.fc1.": f"{ours}.out.",
    }


AUTHORS_NAMES: Final[Mapping[str, AuthorsNames]] = {
    "clip4clip_meanp": AuthorsNames("CLIP4Clip, sim_header meanP", dropped=_UNUSED_CROSS),
    "clip4clip_seqlstm": AuthorsNames(
        "CLIP4Clip, sim_header seqLSTM",
        ours={"lstm_visual.": "lstm."},
        dropped={
            **_UNUSED_CROSS,
            "frame_position_embeddings.": "frame positions, which the LSTM's code never adds",
        },
    ),
    "clip4clip_seqtransf": AuthorsNames(
        "CLIP4Clip, sim_header seqTransf",
        ours=_SEQ_TRANSF,
        dropped=_UNUSED_CROSS,
        layers=_TEMPORAL_LAYERS,
    ),
    "clip4clip_tighttransf": AuthorsNames(
        "CLIP4Clip, sim_header tightTransf",
        ours={
            "cross.embeddings.position_embeddings.weight": "cross.frame_position_embeddings",
            "cross.transformer.": "cross.transformer.",
            "cross.pooler.ln_pool.": "cross.pool_norm.",
            "cross.pooler.dense.": "cross.pool.",
            "similarity_dense.": "cross.similarity.",
        },
        layers={"cross_layers": "cross.transformer.resblocks."},
    ),
    "xclip": AuthorsNames(
        "X-CLIP, sim_header seqTransf",
        ours={**_SEQ_TRANSF, **{name: f"grains.{name}" for name in _X_CLIP_MATRICES}},
        dropped=_UNUSED_CROSS,
        layers=_TEMPORAL_LAYERS,
        lengths={"max_words": "grains.word_mat_weight", "max_frames": "grains.frame_mat_weight"},
    ),
    "drl_wti": AuthorsNames(
        "DRL, agg_module seqTransf, interaction wti, wti_arch 2",
        ours={
            **_SEQ_TRANSF,
            "text_weight_fc.0.": "token_weights.fc1.",
            "text_weight_fc.2.weight": "token_weights.fc2.weight",
            "video_weight_fc.0.": "frame_weights.fc1.",
            "video_weight_fc.2.weight": "frame_weights.fc2.weight",
        },
        dropped={
            "text_weight_fc.2.bias": _NO_WEIGHT_ON_SOFTMAX,
            "video_weight_fc.2.bias": _NO_WEIGHT_ON_SOFTMAX,
        },
        layers=_TEMPORAL_LAYERS,
    ),
    "xpool": AuthorsNames(
        "X-Pool, arch clip_transformer, num_mha_heads 1",
        ours={"pool_frames.": "pooling."},
        dropped={
            "pool_frames.cross_attn.k_proj.bias": _NO_WEIGHT_ON_SOFTMAX,
            **{
                f"{AUTHORS_CLIP_PREFIX}{name}": "the numbers 0, 1, 2, ..., not weights"
                for name in POSITION_NUMBERS
            },
        },
    ),
    "msam": AuthorsNames(
        "MSAM (ASLVT), sim_header seqTransf",
        ours={
            **_SEQ_TRANSF,
            "select.afp.attention_fc.0.": "gate.fc1.",
            "select.afp.attention_fc.2.": "gate.fc2.",
            **_msam_slots("video"),
            **_msam_slots("text"),
            "preloss.p.mean_head.layer.Linear_0.": "branch.mean_head.0.",
            "preloss.p.mean_head.layer.Linear_1.": "branch.mean_head.2.",
            "preloss.p.mean_head.layer.Linear_2.": "branch.mean_head.4.",
            "preloss.p.var_head.layer.Linear_0.": "branch.spread_head.0.",
            "preloss.p.var_head.layer.Linear_1.": "branch.spread_head.2.",
        },
        dropped={
            **_UNUSED_CROSS,
            "gating.": _UNUSED_MSAM,
            "select.gating.": _UNUSED_MSAM,
            "select.afp.multi_head_attention.": _UNUSED_MSAM,
            "select.afp.dynamic_weight.": _UNUSED_MSAM,
            "preloss.p.uncertain_net_video.": _UNUSED_MSAM,
            "preloss.p.uncertain_net_text.": _UNUSED_MSAM,
            "preloss.p.pie_net_video.noise_scale": _UNUSED_MSAM,
            "preloss.p.pie_net_text.noise_scale": _UNUSED_MSAM,
        },
        layers=_TEMPORAL_LAYERS,
        lengths={"num_semantics": "branch.video_slots.w2.weight"},
        settings={"padding": "release"},
    ),
}
"""Authors' names by our model's key."""

_X_CLIP: Final = AUTHORS_NAMES["xclip"]
_X_CLIP_MATRICES_ALONE: Final = {
    theirs: ours for theirs, ours in _X_CLIP.ours.items() if theirs in _X_CLIP_MATRICES
}

OTHER_NAMES: Final[Mapping[str, tuple[AuthorsNames, ...]]] = {
    "xclip": (
        replace(
            _X_CLIP,
            source="X-CLIP, sim_header seqLSTM",
            ours={**_X_CLIP_MATRICES_ALONE, "lstm_visual.": "temporal."},
            dropped=AUTHORS_NAMES["clip4clip_seqlstm"].dropped,
            layers={},
            settings={"temporal": "lstm"},
        ),
        replace(
            _X_CLIP,
            source="X-CLIP, sim_header meanP",
            ours=_X_CLIP_MATRICES_ALONE,
            layers={},
            settings={"temporal": "none"},
        ),
    )
}
"""Names of a model with other settings than the usual ones, by its key."""


def names_of(model: str, tensors: Mapping[str, object]) -> AuthorsNames | None:
    """Return the authors' names of a model, with the settings that a checkpoint's names tell of.

    Args:
        model: Our model's key.
        tensors: The checkpoint, by the authors' names.

    Returns:
        The names; None for a model without a checkpoint of its authors.
    """
    fitting = (names for names in OTHER_NAMES.get(model, ()) if names.head_is_in(tensors))
    return next(fitting, AUTHORS_NAMES.get(model))
