"""Small mistakes made by machine: each mutant changes one node of a key's syntax tree.

Five kinds, one after the other over the solution's own statements: another comparison, another operator, another
constant, a negation dropped or a side of `and`/`or` exchanged, a statement left out. What students get (signature,
docstring, imports) is not touched.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

from graders.lab.bank import Answer, Solved

_COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.In: ast.NotIn,
}
_REVERSE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
}
_OPERATOR: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}


def mutants(key: Solved, exercise: str) -> list[Answer]:
    """Return all mutants of one exercise's key, without repetition, labelled by line and change."""
    whole = key.keys[exercise]
    first = key.heads[exercise].count("\n") + 1  # the solution's first line
    tree = ast.parse(whole)
    original, seen, answers = ast.unparse(tree), set[str](), list[Answer]()
    for number, node in enumerate(ast.walk(tree)):
        if getattr(node, "lineno", 0) < first:
            continue
        for changed in _changes(node):
            mutant = copy.deepcopy(tree)
            target = next(n for k, n in enumerate(ast.walk(mutant)) if k == number)
            _replace(mutant, target, changed)
            try:
                source = ast.unparse(ast.fix_missing_locations(mutant))
            except ValueError:
                continue
            if source == original or source in seen:
                continue
            seen.add(source)
            before, after = ast.unparse(node).split("\n")[0], ast.unparse(ast.fix_missing_locations(changed))
            label = f"line {node.lineno - first + 1}: {before} → {after.split(chr(10))[0]}"  # type: ignore[attr-defined]
            answers.append(Answer(exercise, "mutant", label, source))
    return answers


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for table in (_COMPARE, _REVERSE):
            if new := table.get(type(node.ops[0])):
                yield _with(node, ops=[new()])
    elif isinstance(node, (ast.BinOp, ast.AugAssign)):
        if new_op := _OPERATOR.get(type(node.op)):
            yield _with(node, op=new_op())
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.BoolOp):
        yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    elif isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, bool):
            yield ast.Constant(not value)
        elif isinstance(value, (int, float)):
            yield ast.Constant(value + 1)
            if value:
                yield ast.Constant(value * 0)
        elif isinstance(value, str):
            yield ast.Constant(value + "!")
    elif isinstance(node, ast.IfExp):
        yield _with(node, body=node.orelse, orelse=node.body)
    if isinstance(node, (ast.Assign, ast.AugAssign, ast.Expr, ast.For, ast.While, ast.If)):
        yield ast.Pass()
    elif isinstance(node, ast.Return) and node.value is not None:
        yield ast.Return(ast.Constant(None))


def _with(node: ast.AST, **fields: object) -> ast.AST:
    new = copy.deepcopy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def _replace(tree: ast.AST, target: ast.AST, new: ast.AST) -> None:
    class Put(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return ast.copy_location(copy.deepcopy(new), node) if node is target else self.generic_visit(node)

    Put().visit(tree)
