"""Errors of the Hugging Face Hub, turned into messages that say what to do."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from dvtr_bench.errors import DvtrError, HubUnreachableError, NotFoundError, PublishError

_GO_ON = "Nothing is lost: run the same command again to continue"


@contextmanager
def hub_errors_explained(repo: str) -> Iterator[None]:
    """Turn errors of the Hub's client into ours.

    Args:
        repo: The repository that is read or written.

    Raises:
        PublishError: The Hub refuses the request.
        HubUnreachableError: The Hub cannot be reached.
        NotFoundError: There is no such repository, or the token has no access to it.
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
            # Its warnings, such as about missing metadata of a card, need no action by the user.
            warnings.simplefilter("ignore", UserWarning)
            yield
    except DvtrError:
        raise
    except LocalTokenNotFoundError as failure:
        raise PublishError(_no_token(repo)) from failure
    except OfflineModeIsEnabled as failure:
        raise HubUnreachableError(
            "the Hub is not used, because HF_HUB_OFFLINE is set: unset it and try again"
        ) from failure
    except RepositoryNotFoundError as failure:
        raise NotFoundError(
            f"{repo}: no such dataset on {constants.ENDPOINT}, or this token has no access to it"
        ) from failure
    except HfHubHTTPError as failure:
        raise PublishError(_refused(repo, failure)) from failure
    except (http_error, ConnectionError, TimeoutError) as failure:
        raise HubUnreachableError(
            f"{constants.ENDPOINT}: cannot be reached, or the connection broke off "
            f"({_reason(failure)}). {_GO_ON}"
        ) from failure
    except RuntimeError as failure:
        # A failed upload of the client raises this, with the reason as its cause.
        raise PublishError(
            f"{repo}: the upload is not complete ({_reason(failure)}). {_GO_ON}"
        ) from failure
    except ValueError as failure:
        raise PublishError(f"{repo}: the Hub does not accept it: {failure}") from failure


def _refused(repo: str, failure: Exception) -> str:
    status = failure.response.status_code  # type: ignore[attr-defined]
    reason = getattr(failure, "server_message", None) or f"HTTP {status}"
    owner = repo.partition("/")[0]
    if status == 401:
        return f"{_no_token(repo)} (the Hub says: {reason})"
    if status == 403:
        return (
            f"{repo}: this token may not write there (the Hub says: {reason}). It needs permission "
            f"to write to datasets of {owner}: see https://huggingface.co/settings/tokens"
        )
    if status == 404:
        return f"{repo}: the Hub knows no user or organisation {owner!r} ({reason})"
    if status == 412:
        return (
            f"{repo} was changed by someone else meanwhile; nothing was overwritten. Check the "
            "change, then run the same command again"
        )
    if status == 429 or status >= 500:
        return f"{repo}: the Hub is not available at the moment (HTTP {status}: {reason}). {_GO_ON}"
    return f"{repo}: the Hub refuses the request (HTTP {status}: {reason})"


def _no_token(repo: str) -> str:
    return (
        f"{repo}: no valid Hugging Face token was found. Log in with `hf auth login`, or set "
        "HF_TOKEN to a token that may write"
    )


def _reason(failure: BaseException) -> str:
    cause = failure.__cause__ or failure
    return str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
