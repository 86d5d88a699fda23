"""The daily commands, in the environment that is active: `nox -s lint`, `nox -s tests -- -k audit`.

`pip install -e '.[dev]'` brings what they need. `.ci/run` runs all of it in a fresh environment.
"""

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "docs"]


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def mend(session: nox.Session) -> None:
    """Mend what ruff can mend by itself."""
    session.run("ruff", "check", "--fix", ".")
    session.run("ruff", "format", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests: all of them, or those that the words after -- choose."""
    words = session.posargs or ["-n", "2", "--dist", "loadfile"]
    session.run("pytest", *words, env={"OMP_NUM_THREADS": "1"})


@nox.session
def torture(session: nox.Session) -> None:
    """Run the long forms of the tests of reliability, which CI leaves out."""
    session.run("pytest", "-m", "torture", *session.posargs, env={"OMP_NUM_THREADS": "1"})


@nox.session
def docs(session: nox.Session) -> None:
    """Check that the pages tell the truth: links, commands, options, paths, examples, the site."""
    session.run("pytest", "-q", "tests/contracts/test_docs.py", "tests/docs", *session.posargs)


@nox.session
def site(session: nox.Session) -> None:
    """Make the documentation's site in build/docs; -- serve shows it while you write."""
    session.run("mkdocs", *(session.posargs or ["build", "--strict"]))
