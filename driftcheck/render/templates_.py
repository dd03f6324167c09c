"""Templates: where they are found, how they are filled in, and what a broken one says to its author.

A template's name ends in what it makes: ``report.html.j2`` is escaped for HTML, anything else is not.
"""

from __future__ import annotations

import traceback
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from driftcheck.errors import DriftcheckError
from driftcheck.render.common import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from driftcheck.render import Style

# What an expression in a template can raise, beside jinja2's own errors.
_FAULTS = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


def render_template(name: str, style: Style, **context: object) -> str:
    """Fill in the template of that name: the operator's, where there is one, else the built-in one.

    In HTML every text from ``context`` is made ``visible`` and escaped. A line that holds nothing but a
    block tag leaves nothing behind.

    Raises:
        DriftcheckError: the operator's folder is none, or a template is missing, unreadable or wrong.
    """
    return filler(style)(name, context)


def filler(style: Style) -> Callable[[str, Mapping[str, object]], str]:
    """``render_template`` for many pages: each template is read once."""
    environment = _environment(style)

    def fill(name: str, context: Mapping[str, object]) -> str:
        return _fill(environment, name, context, style)

    return fill


def fingerprint() -> str:
    """A digest of all built-in templates, 16 hexadecimal digits."""
    digest = sha256()
    for file in sorted(_built_in().rglob("*")):
        if file.is_file():
            digest.update(f"{file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _fill(environment: jinja2.Environment, name: str, context: Mapping[str, object], style: Style) -> str:
    try:
        return environment.get_template(name).render(context)
    except jinja2.TemplateSyntaxError as error:
        raise DriftcheckError(f"template {error.name}:{error.lineno}: {_one_line(error)}") from error
    except _FAULTS as error:
        if style.templates is None:  # nobody but this project can be at fault
            raise
        raise DriftcheckError(f"template {_place(error, name)}: {_one_line(error)}") from error


class _Loader(jinja2.FileSystemLoader):
    def get_source(
        self, environment: jinja2.Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        try:
            return super().get_source(environment, template)
        except jinja2.TemplateNotFound:
            raise
        except (OSError, UnicodeDecodeError) as error:
            raise DriftcheckError(f"template {template}: cannot be read as UTF-8 text: {error}") from error


def _environment(style: Style) -> jinja2.Environment:
    return jinja2.Environment(
        loader=_Loader([*_operators(style), _built_in()]),
        autoescape=jinja2.select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _operators(style: Style) -> list[Path]:
    if style.templates is None:
        return []
    if not style.templates.is_dir():
        raise DriftcheckError(f"{style.templates}: not a folder of templates")
    return [style.templates]


def _built_in() -> Path:
    """The folder in the package, as a wheel has it, or beside the package, as a checkout has it."""
    package = Path(__file__).parents[1]
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


@jinja2.pass_eval_context
def _finalize(evaluation: jinja2.nodes.EvalContext, value: object) -> object:
    if evaluation.autoescape and isinstance(value, str) and not hasattr(value, "__html__"):
        return visible(value)
    return value


def _place(error: BaseException, name: str) -> str:
    """``file:line`` of the innermost template that was being filled in."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(".j2")]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else name


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
