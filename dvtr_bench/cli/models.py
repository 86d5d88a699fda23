"""List the models: what each is, how it scores, whether it is trained."""

import typer


def models() -> None:
    """List every model: how it scores, whether it is trained, and what it is."""
    from dvtr_bench.models.listing import list_models

    listed = list_models()
    name_width = max(len(model.name) for model in listed)
    scoring_width = max(len(model.scoring) for model in listed)
    for model in listed:
        trained = "trained" if model.trainable else "as it is"
        typer.echo(
            f"{model.name:<{name_width}}  {model.scoring:<{scoring_width}}  {trained:<8}  "
            f"{model.summary}"
        )
    typer.echo(
        "\npairwise: a score depends on its caption and its video alone.\n"
        "query_block: it also depends on the other captions that are scored with it.\n"
        "Train one: dvtr-bench train --model NAME --dataset NAME"
    )
