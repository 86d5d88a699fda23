"""The splits that training needs, and what they must hold."""

from typing import TYPE_CHECKING

from dvtr_bench.dataset.split_rules import require_validation
from dvtr_bench.errors import InputError, NotFoundError, ProtocolError

if TYPE_CHECKING:
    from dvtr_bench.dataset.reader import BuiltDataset
    from dvtr_bench.dataset.split import RetrievalSplit


def training_splits(built: "BuiltDataset") -> "tuple[RetrievalSplit, RetrievalSplit]":
    """Open the two splits that training needs.

    Args:
        built: A built dataset.

    Returns:
        Its train and validation splits.

    Raises:
        NotFoundError: One of them is not there; says how to get it.
        InputError: Captions or frames missing.
    """
    for name in ("train", "validation"):
        if name not in built.split_names:
            raise NotFoundError(
                f"{built.folder} has no {name} split; it has {', '.join(built.split_names)}. A "
                "model is trained on train and its checkpoint chosen on validation: build the "
                "dataset again with both (capera: --validation-fraction 0.1; folder: a split "
                "column, or more clips)"
            )
    splits = built.split("train"), built.split("validation")
    require_trainable(*splits)
    return splits


def require_trainable(split_train: "RetrievalSplit", split_validation: "RetrievalSplit") -> None:
    """Refuse splits that a model cannot be trained and chosen on.

    Args:
        split_train: What it would be trained on.
        split_validation: What its checkpoint would be chosen on.

    Raises:
        ProtocolError: Not the train split, or not the validation split.
        InputError: Captions or frames missing.
    """
    require_validation(split_validation)
    if split_train.name != "train":
        raise ProtocolError(
            f"{split_train.dataset_name}: a model is trained on the train split, never on "
            f"{split_train.name}: pass the train split"
        )
    for split in (split_train, split_validation):
        if not split.captions:
            raise InputError(
                f"the {split.name} split of {split.dataset_name} has no captions: build the "
                "dataset with some; the checkpoint is chosen on validation"
            )
        if not split.has_frames:
            raise InputError(
                f"{split.dataset_name} was built with --annotations-only and has no frames to "
                "train on: build it again with its clips"
            )
