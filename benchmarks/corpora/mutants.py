"""Programs with a single defect: a solution in which one operator or number is another."""

import ast
import random
from collections.abc import Iterator

OTHERS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.FloorDiv,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv,
}


def mutants(program: str, function: str, most: int, seed: str) -> list[str]:
    """Return at most so many programs that differ from this one in a single place of the function, drawn by lot."""
    places = range(len(list(_places(ast.parse(program), function))))
    chosen = random.Random(seed).sample(places, min(most, len(places)))
    return [_mutant(program, function, place) for place in chosen]


def _mutant(program: str, function: str, place: int) -> str:
    tree = ast.parse(program)
    node = list(_places(tree, function))[place]
    match node:
        case ast.Constant(value=bool() as value):
            node.value = not value
        case ast.Constant(value=int() as value):
            node.value = value + 1
        case ast.Compare(ops=[operator, *_]):
            node.ops[0] = OTHERS[type(operator)]()  # type: ignore[call-overload]
        case ast.BinOp() | ast.BoolOp() | ast.AugAssign():
            node.op = OTHERS[type(node.op)]()  # type: ignore[assignment]
    return ast.unparse(tree) + "\n"


def _places(tree: ast.AST, function: str) -> Iterator[ast.AST]:
    for definition in ast.walk(tree):
        if isinstance(definition, ast.FunctionDef) and definition.name == function:
            for node in ast.walk(definition):
                match node:
                    case ast.Constant(value=int()):
                        yield node
                    case ast.Compare(ops=[operator, *_]) | ast.BinOp(op=operator) | ast.BoolOp(op=operator):
                        if type(operator) in OTHERS:
                            yield node
                    case ast.AugAssign(op=operator) if type(operator) in OTHERS:
                        yield node
