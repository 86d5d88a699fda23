"""Open and check the splits for training."""

from typing import TYPE_CHECKING

from dvtr_bench.dataset.split import require_validation
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
        NotFoundError: One of them is missing; the message says how to get it.
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
    """Raise for splits that cannot be used for training and validation.

    Args:
        split_train: The training split.
        split_validation: The split for choosing the checkpoint.

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
