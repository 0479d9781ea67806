r"""What the axes and lines of 2.4 and 3.3 may be called.

The tasks say it, and here it stands as phrases: each with what people put before and behind it. What else there is
to say belongs in the title.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from sheaflab.checks.formulas import computed, plain_formula, sides
from sheaflab.checks.names import UNIT, is_phrase, plain


def _any(*phrases: str) -> str:
    return f"(?:{'|'.join(phrases)})"


_UNIT_REMARK = rf"(?:in )?(?:{UNIT})"
_IN_UNITS = rf"(?: ?/ ?(?:{UNIT})| in (?:{UNIT}))?"
_LOG = _any(
    r"log(?:arithmic)?(?: ?_? ?10)?[ -](?:scaled?|axis)",
    r"logarithmic",
    r"logarithmically scaled",
    r"semi-?log(?: scale| axis)?",
    r"on a log(?:arithmic)? (?:scale|axis)",
)

# -- 2.4: the axes ----------------------------------------------------------------------------------------------------
_TIME_WORD = r"(?:times?|zeit|temps|tiempo|tempo)"
_WHICH_TIME = r"(?:(?:the|el|le|la|il|elapsed|simulat(?:ion|ed)|integration|model|physical|continuous|flow|run) )*"
_TIME_OF = _any(
    r" of (?:the )?(?:heat equation|flow|run|evolution|simulation|trajectory)",
    r" since (?:the )?start",
    r" axis",
)
_TIME = _any(
    rf"{_WHICH_TIME}{_TIME_WORD}(?:,? (?:= )?t)?{_TIME_OF}?{_IN_UNITS}",
    rf"t(?:,? (?:= )?{_TIME_WORD})?{_IN_UNITS}",
    r"seconds",
)
_TIME_REMARK = _any(
    _UNIT_REMARK,
    r"t",
    _TIME_WORD,
    r"linear(?: scale| axis)?",
    r"not logarithmic",
    r"flow time",
    r"(?:of|since) the (?:flow|run|start|heat equation)",
)

_V = r"[ve](?:_[tc])?"
_ENERGY_WORD = r"(?:(?:dirichlet[ -]?)?energ(?:y|ies|ie)|énergie(?: de dirichlet)?|energía|disagreement)"
_WHICH_ENERGY = r"(?:(?:the|la|le|l|total|sheaf|lyapunov|log[ -]scaled) )*"
_ENERGY_OF = (
    r"(?: (?:of|along|during|over|on|in) (?:(?:the|a|all|one|this|whole) )*"
    r"(?:run|state|sheaf|network|trajectory|flow|time|neurons(?: and outputs)?)| at time t)*"
)
_NORM = r"(?: = (?:\\[dt]?frac ?1 ?2|1/2|½|0\.5) ?\\?[|‖]+ ?\w(?:[_ ]\w)? ?\\?[|‖]+ ?\^ ?2)?"
_ENERGY = _WHICH_ENERGY + _any(
    rf"{_ENERGY_WORD}(?: function(?:al)?)?(?:[,:]? (?:= )?{_V})?{_ENERGY_OF}{_NORM}",
    rf"{_V}(?:[,:]? (?:= )?(?:the )?{_ENERGY_WORD})?{_ENERGY_OF}{_NORM}",
)
_ENERGY_AXIS = rf"{_ENERGY}(?:[,;:]? {_LOG})?{_IN_UNITS}"
_ENERGY_REMARK = _any(
    _UNIT_REMARK,
    _V,
    _ENERGY_WORD,
    r"log",
    _LOG,
    r"absolute",
    r"not (?:normali[sz]ed|relative|scaled)",
    r"(?:of|along|over|during) (?:the )?(?:whole )?(?:run|flow|trajectory|time|network)",
)


def names_time(name: str) -> bool:
    """Tell whether a name is that of the time."""
    return is_phrase(name, _TIME, _TIME_REMARK)


def names_energy(name: str) -> bool:
    """Tell whether a name is that of the energy; of a logarithm it speaks as of the axis alone."""
    return is_phrase(name, _ENERGY_AXIS, _ENERGY_REMARK)


# -- 2.4: the lines ---------------------------------------------------------------------------------------------------
_WHICH_RUN = r"(?:(?:the|measured|observed|simulated|computed|numerical|actual|euler|gemessene) )*"
_RUN = (
    rf"{_WHICH_RUN}(?:{_ENERGY}|(?:run|trajectory|simulation|flow)(?:: {_V})?)"
    r"(?:, (?:measured|simulated|not normali[sz]ed))?"
)
_SAYS_BOUND = re.compile(
    r"envelop|envolvente|hülle|hüllk|schranke|bound|borne|cota|grenze|limit|theor|thm|satz|predict"
)
_BOUND_WORDS = (
    "envelope envelop enveloppe envolvente hülle hüllkurve schranke bound bounds borne cota grenze limit upper "
    "exponential theoretical theory theorem theorem's thm satz predicted prediction decay slope the of for by from "
    "with to nach des von de gradient flow energy dirichlet run"
)
_THEOREM = re.compile(r"((?:theorem|thm|satz)(?:'?s)?\.?\s*)9\.4(?:'s)?")
_RATE_IS = re.compile(r"\brate\b(?:\s*(?:of|is))?\s*(?=[\d.])")
_WORD = re.compile(
    r"(?<![\\\w])(?!(?:exp|ln|sqrt|lambda|tau|rate|star|min|x)(?![^\W\d_]))[^\W\d_]{2,}(?:'s)?(?![^\W\d_])"
)


def names_run(name: str) -> bool:
    """Tell whether a name is that of the line of energies."""
    return is_phrase(name, _RUN, _ENERGY_REMARK)


def names_envelope(name: str, times: Any, energies: Any, rate: float) -> bool:
    """Tell whether a name says that a line is the envelope; each formula and number in it must be the envelope's.

    Parameters
    ----------
    name : str
    times, energies : ndarray, shape (k,)
    rate : float
    """
    text = _THEOREM.sub(r"\1 ,", name.replace("’", "'").lower()[:300])
    said = _SAYS_BOUND.search(text) is not None
    text = _RATE_IS.sub(" , ", re.sub(r"\\(?:mathrm|text|operatorname|rm)(?![a-z])|\ba\b", " ", text))
    if not set(_WORD.findall(text)) <= set(_BOUND_WORDS.split()):
        return False
    parts = [_bare(part) for part in re.split(r"[,;:]", plain_formula(_WORD.sub(" , ", text)))]
    parts = [part for part in parts if part and part not in ("v", "e")]
    values = {"u": energies[0], "λ": rate, "t": times, "e": np.e}
    for part in parts:
        values |= _definition(sides(part), values)
    return (said or bool(parts)) and all(_of_envelope(part, values) for part in parts)


def _bare(text: str) -> str:
    """Return a part without brackets around the whole of it, or that belong to another part."""
    text = re.sub(r"\(\s*\)", " ", text).strip(" .'")
    while text.count("(") > text.count(")") and "(" in (text[0], text[-1]):
        text = (text[1:] if text[0] == "(" else text[:-1]).strip()
    while text.count(")") > text.count("(") and ")" in (text[0], text[-1]):
        text = (text[:-1] if text[-1] == ")" else text[1:]).strip()
    while re.fullmatch(r"\((?:[^()]|\([^()]*\))*\)", text):
        text = text[1:-1].strip()
    return text


def _definition(said: list[str], values: dict[str, Any]) -> dict[str, Any]:
    """Return what an equation says of a letter that is not known, such as τ = 1/(2 λ)."""
    letter = said[0]
    if len(said) < 2 or not re.fullmatch(r"[^\W\d_]", letter) or letter in {*values, "v"}:
        return {}
    found = computed(said[1], values)
    return dict(zip([letter], found, strict=False))


def _of_envelope(part: str, values: dict[str, Any]) -> bool:
    """Tell whether a formula, equation, bound or number in a name is one of the envelope's."""
    said = sides(part)
    bound = said[0] in ("v", "e") and len(said) == 2  # V ≤ …
    found = [computed(side, values) for side in said[bound:]]
    if not all(found):
        return False
    if len(found) == 1:
        return any(_is_envelope(value, said[-1], values) for value in found[0] if np.ndim(value) or not bound)
    first, others = found[0], zip(found[1:], said[1:], strict=True)
    return all(any(_near(a, b, side) for a in first for b in other) for other, side in others)


def _is_envelope(value: Any, text: str, values: dict[str, Any]) -> bool:
    rate, start, times = values["λ"], values["u"], values["t"]
    if not np.ndim(value):
        return any(abs(value - known) <= 0.06 * abs(known) for known in (rate, 2 * rate, -rate, -2 * rate, start))
    if np.iscomplexobj(value) or not np.all(np.isfinite(value)) or np.any(value <= 0):
        return False
    off = np.log(value) + 2 * rate * times
    slack = 0.02 + 0.12 * rate * times if re.search(r"\.\d", text) else 1e-6  # a number in it is rounded
    return any(bool(np.all(np.abs(off - np.log(scale)) <= slack)) for scale in (1.0, start))


def _near(value: Any, told: Any, text: str) -> bool:
    """Tell whether a number is another one, to the digits in which it is told."""
    if np.ndim(value) or np.ndim(told):
        return False
    digits = re.fullmatch(r"\d*\.?(\d*)(?:e([-+]?\d+)|\s*\*\s*10\s*\^\s*\(?([-+]?\d+)\)?)?", text)
    unit = float(f"1e{int(digits[2] or digits[3] or 0) - len(digits[1])}") if digits else 0.0  # however large
    return bool(told != 0 and abs(value - told) <= max(0.06 * abs(value), min(0.51 * unit, 0.25 * abs(value))))


# -- 3.3: the axes ----------------------------------------------------------------------------------------------------
_QUANTITY = _any(
    r"(?:the )?(?:(?:total|observed) )*(?:numbers?|nos?\.?|nr\.?|#|counts?|anzahl|zahl|nombre|número)"
    r"(?: (?:of|de|der|d))?(?: (?:the|all|observed|counted|such))* ?",
    r"how many ",
    r"(?:n|k) = (?:the )?number of ",
)
_WHICH_SWITCH = r"(?:(?:activation|neuron|relu|mode|pattern) )?"
_SWITCH = _any(
    r"sign[ -](?:changes?|flips?|switch(?:es)?)",
    r"changes? of (?:the )?signs?",
    r"(?:zero|wall)[ -]crossings?",
    r"crossings?(?: of (?:the )?walls?)?",
    rf"{_WHICH_SWITCH}(?:switch(?:es)?|flips?)(?: events?)?",
    r"(?:activation|pattern|mode) changes?|changes of the pattern",
    r"vorzeichenwechsel|wechsel|umschaltungen|schaltvorgänge|nulldurchgänge",
    r"changements de signe|bascules|cambios de signo|conmutaciones",
)
_BY_EULER = r"(?:as )?(?:counted|logged|seen) by euler"
_ONE_RUN = r"(?:(?:a|an|one|each|every|the|single|whole|entire) )*(?:runs?|start|trajectory|simulation|experiment)"
_PER_RUN = rf"(?: (?:in|per|of|during|along|over|for) {_ONE_RUN}| pro lauf| par essai| por ejecución)"
_PER_RUN += r"| (?:before|until|up to) (?:convergence|the end)| (?:of|by) (?:the |all )*(?:hidden )?neurons"
_PER_RUN += rf"| of z(?:_t)?| {_BY_EULER}| n| k"
_SWITCHES = _any(
    rf"(?:in (?:one|a|each) run: )?{_QUANTITY}?{_SWITCH}(?: or {_SWITCH})?(?:{_PER_RUN})*\??",
    rf"(?:switch|sign[ -]change) (?:counts?|numbers?)(?:{_PER_RUN})*",
)
_SWITCHES_REMARK = _any(
    rf"{_QUANTITY}?{_SWITCH}(?:{_PER_RUN})*",
    rf"(?:in|per) {_ONE_RUN}",
    _BY_EULER,
    r"(?:entries|events) (?:of|in) the log|log entries",
    r"sum over (?:all|the|every) (?:hidden )?neurons?",
    r"n|k|euler",
)
_RUN_WORD = _any(
    r"runs|starts|trajectories|simulations|experiments|trials|samples",
    r"läufe|durchläufe|versuche|essais|ejecuciones|corridas",
)
_SO_MANY = r"(?:so many|(?:that|this) many|(?:that|this|each|a given) (?:count|number)|n|k|so vielen)"
_WITH_SO_MANY = _any(
    rf" (?:with|having|that (?:have|had)|had|mit|of) (?:exactly )?{_SO_MANY}(?: (?:of )?(?:switches|sign changes))?",
    r" per (?:number of (?:switches|sign changes)|count|number)",
)
_FREQUENCY = (
    r"(?:(?:absolute|raw) )?(?:frequency|frequencies|frecuencia|fréquence|häufigkeit)"
    r"(?: of (?:each |the )?(?:switch )?(?:counts?|numbers?))?"
)
_HOW_OFTEN = r"how often (?:it|n|k|(?:each|this|that) (?:count|number)(?: of switches)?) occurs"
_RUNS = _any(
    rf"{_QUANTITY}?{_RUN_WORD}{_WITH_SO_MANY}?\??",
    rf"{_FREQUENCY}(?::? {_RUN_WORD})?",
    rf"{_RUN_WORD} or {_FREQUENCY}",
    r"(?:number of )?occurrences|(?:run )?counts?",
    _HOW_OFTEN,
)
_RUNS_REMARK = _any(
    rf"(?:of )?{_QUANTITY}?{_RUN_WORD}",
    _FREQUENCY,
    _HOW_OFTEN,
    r"counts?|absolute|raw|no (?:density|share)",
    r"not (?:a share|a density|in per ?cent|normali[sz]ed|relative)",
    _BY_EULER,
    r"(?:by|for) (?:their|each|the) number of (?:switches|sign changes)",
)


def names_switches(name: str) -> bool:
    """Tell whether a name is that of the number of switches in a run."""
    return is_phrase(re.sub(r"\s*/\s*(?=run|start|traj)", " per ", plain(name)), _SWITCHES, _SWITCHES_REMARK)


def names_runs(name: str, counts: Sequence[int], *, log: bool = False) -> bool:
    """Tell whether a name is that of the number of runs; a remark may say how many there are, or of a `log` axis."""
    remarks = [_RUNS_REMARK, rf"(?:of|out of|in) {len(counts)}(?: {_RUN_WORD})?"]
    return is_phrase(name, _RUNS, _any(*remarks, *([r"log(?:arithmic)?(?:[ -](?:scale|axis))?"] if log else [])))
