"""What the Hub's client raises, said so that a user knows what to do."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from dvtr_bench.errors import DvtrError, HubUnreachableError, NotFoundError, PublishError

_GO_ON = "Nothing is lost: run the same command again and it goes on"


@contextmanager
def hub_errors_explained(repo: str) -> Iterator[None]:
    """Turn what the Hub's client raises into messages of ours.

    Args:
        repo: The repository in question.

    Raises:
        PublishError: The Hub refuses.
        HubUnreachableError: It cannot be reached.
        NotFoundError: There is no such repository, or this token does not see it.
    """
    from huggingface_hub import constants
    from huggingface_hub.errors import (
        HfHubHTTPError,
        LocalTokenNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    # The HTTP library differs between versions of the client; its errors have this one base.
    http_error: type[Exception] = HfHubHTTPError.__bases__[0]
    try:
        with warnings.catch_warnings():
            # It warns of what it then does right, such as of a card without some metadata.
            warnings.simplefilter("ignore", UserWarning)
            yield
    except DvtrError:
        raise
    except LocalTokenNotFoundError as failure:
        raise PublishError(_no_token(repo)) from failure
    except OfflineModeIsEnabled as failure:
        raise HubUnreachableError(
            "the Hub is not asked, because HF_HUB_OFFLINE is set: unset it and try again"
        ) from failure
    except RepositoryNotFoundError as failure:
        raise NotFoundError(
            f"{repo}: no such dataset on {constants.ENDPOINT}, or this token does not see it"
        ) from failure
    except HfHubHTTPError as failure:
        raise PublishError(_refused(repo, failure)) from failure
    except (http_error, ConnectionError, TimeoutError) as failure:
        raise HubUnreachableError(
            f"{constants.ENDPOINT}: cannot be reached, or the connection broke off "
            f"({_reason(failure)}). {_GO_ON}"
        ) from failure
    except RuntimeError as failure:
        # The client's uploads end in one, with the cause behind it.
        raise PublishError(f"{repo}: not all was sent ({_reason(failure)}). {_GO_ON}") from failure
    except ValueError as failure:
        raise PublishError(f"{repo}: the Hub does not take it: {failure}") from failure


def _refused(repo: str, failure: Exception) -> str:
    status = failure.response.status_code  # type: ignore[attr-defined]
    said = getattr(failure, "server_message", None) or f"HTTP {status}"
    owner = repo.partition("/")[0]
    if status == 401:
        return f"{_no_token(repo)} (the Hub says: {said})"
    if status == 403:
        return (
            f"{repo}: this token may not write there (the Hub says: {said}). It needs the right to "
            f"write to datasets of {owner}: see https://huggingface.co/settings/tokens"
        )
    if status == 404:
        return f"{repo}: the Hub knows no user or organisation {owner!r} ({said})"
    if status == 412:
        return (
            f"{repo} was changed by someone else meanwhile; nothing was overwritten. Look at it, "
            "then run the same command again"
        )
    if status == 429 or status >= 500:
        return f"{repo}: the Hub does not manage at the moment (HTTP {status}: {said}). {_GO_ON}"
    return f"{repo}: the Hub refuses (HTTP {status}: {said})"


def _no_token(repo: str) -> str:
    return (
        f"{repo}: no valid Hugging Face token was found. Log in with `hf auth login`, or set "
        "HF_TOKEN to a token that may write"
    )


def _reason(failure: BaseException) -> str:
    cause = failure.__cause__ or failure
    return str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
