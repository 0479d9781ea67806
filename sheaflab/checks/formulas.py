r"""Formulas in the names of lines: read as people and TeX write them, and computed.

``V(0)\,e^{-2\lambda^* t}``, ``V(0) exp(-2 λ* t)`` and ``V(0)/e^{2 \cdot 0.25\,t}`` are one curve. So a name is not
compared with forms of a formula: what it says is computed at some times.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

_SAID = {"\\lambda": "λ", "lambda": "λ", "\\tau": "τ", "tau": "τ", "\\exp": "exp", "\\ln": "ln", "\\sqrt": "sqrt"}
_LEFT_OUT = re.compile(r"\\(?:left|right|[bB]igg?[lr]?|mathrm|mathit|text|operatorname|displaystyle|quad|[,;:! ])|[$~]")
_PRODUCT = re.compile(r"\\cdot|\\times|[·×⋅∙]|(?<=[\d.] )x(?= ?[\d.])")
_STAR = r"(?:\s*(?:\^\s*(?:\{\s*(?:\*|\\star|\\ast)\s*\}|\*|\\star|\\ast)|_\{?\\?(?:min|star|\*)\}?|[*★⋆]))?"
_TOKEN = re.compile(r"\s*(\d+\.?\d*(?:e[-+]?\d+)?|\.\d+|exp|frac|ln|sqrt|[^\W\d_]|[-+*/^()=≈≤<])")
_RELATION = re.compile(r"=|≈|≤|<")


def plain_formula(text: str) -> str:
    """Return a formula in one spelling: without TeX, with ``u`` for the first value V(0) and ``λ`` for the rate."""
    text = re.sub("[‐‑‒–—−]", "-", text.lower())
    for word, letter in _SAID.items():
        text = text.replace(word, letter)
    text = re.sub(r"\\le(?:q(?:slant)?)?(?![a-z])|<=|≦", "≤", re.sub(r"\\approx|≃", "≈", text))
    text = re.sub(r"\\[dt]?frac", "frac", text)
    text = _PRODUCT.sub("*", _LEFT_OUT.sub(" ", text))
    text = re.sub(r"(?:λ|\brate\b)" + _STAR, " λ ", text)
    text = re.sub(r"\b[ve]\s*(?:\(\s*(?:0|t\s*=\s*0|c\s*\(\s*0\s*\)|c_?\{?0\}?)\s*\)|_?\s*\{?\s*0\}?)", " u ", text)
    text = re.sub(r"\b[ve]\s*\(\s*(?:c\s*(?:\(\s*t\s*\))?|t)\s*\)", " v ", text)
    return text.translate(str.maketrans("{}[]", "()()"))


class _Reader:
    """Recursive descent; where `tight`, a product without a sign binds more strongly than ``/``."""

    def __init__(self, text: str, values: Mapping[str, Any], *, tight: bool) -> None:
        self.tokens, self.values, self.tight = [], values, tight
        place = 0
        while text[place:].strip():
            found = _TOKEN.match(text, place)
            if found is None:
                raise ValueError(text)
            self.tokens.append(found[1])
            place = found.end()

    def next(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def take(self, *wanted: str) -> str:
        return self.tokens.pop(0) if self.next() in wanted and self.tokens else ""

    def whole(self) -> Any:
        value = self.sum()
        if self.tokens:
            raise ValueError(self.tokens)
        return value

    def sum(self) -> Any:
        value = self.product()
        while sign := self.take("+", "-"):
            value = value + self.product() if sign == "+" else value - self.product()
        return value

    def product(self) -> Any:
        part = self.chain if self.tight else self.signed
        value = part()
        while self.next() and self.next() not in "+-)":
            value = value / part() if self.take("/") else (self.take("*"), value * part())[1]
        return value

    def chain(self) -> Any:
        value = self.signed()
        while self.next() and self.next() not in "+-)*/":
            value = value * self.power()
        return value

    def signed(self) -> Any:
        return -self.signed() if self.take("-") else self.power()

    def power(self) -> Any:
        base, value = self.next(), self.atom()
        if not self.take("^"):
            return value
        sign = -1.0 if self.take("-") else 1.0
        exponent = self.atom()
        while base == "e" and self.next() in ("λ", "t", "τ"):  # e^-2λt, where the brackets were left out
            exponent = exponent * self.atom()
        return value ** (sign * exponent)

    def atom(self) -> Any:
        token = self.tokens.pop(0) if self.tokens else ""
        if token == "(":
            value = self.sum()
            if not self.take(")"):
                raise ValueError("an open bracket")
            return value
        if token == "frac":
            return self.atom() / self.atom()
        if token in ("exp", "ln", "sqrt"):
            if self.next() != "(" and token == "exp":
                raise ValueError("exp of what?")
            return {"exp": np.exp, "ln": np.log, "sqrt": np.sqrt}[token](self.atom())
        return float(token) if token[:1].isdigit() or token[:1] == "." else self.values[token]


def computed(formula: str, values: Mapping[str, Any]) -> list[Any]:
    """Return what a formula may mean: nothing, one value, or two where ``1/2 λ`` can be read in two ways.

    Parameters
    ----------
    formula : str
        As :func:`plain_formula` returns it.
    values : mapping
        What its letters stand for, ``e`` included.
    """
    found = []
    for tight in (True, False):
        try:
            with np.errstate(all="ignore"):
                found.append(_Reader(formula, values, tight=tight).whole())
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError, ZeroDivisionError):
            continue
    return found


def sides(text: str) -> list[str]:
    """Return the sides of equations and bounds."""
    return [side.strip() for side in _RELATION.split(text)]
