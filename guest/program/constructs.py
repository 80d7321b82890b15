"""Which words of a rule a single node of a syntax tree is: `for`, `f-string`, `+`."""

from __future__ import annotations

import ast

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPS = (ast.For, ast.AsyncFor, ast.While)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

WORDS: dict[type[ast.AST], tuple[str, ...]] = {
    ast.For: ("for",),
    ast.AsyncFor: ("for", "async"),
    ast.While: ("while",),
    ast.If: ("if",),
    ast.Try: ("try",),
    ast.TryStar: ("try",),
    ast.ExceptHandler: ("except",),
    ast.With: ("with",),
    ast.AsyncWith: ("with", "async"),
    ast.FunctionDef: ("def",),
    ast.AsyncFunctionDef: ("def", "async"),
    ast.Lambda: ("lambda",),
    ast.ClassDef: ("class",),
    ast.Return: ("return",),
    ast.Yield: ("yield",),
    ast.YieldFrom: ("yield",),
    ast.Await: ("await",),
    ast.Raise: ("raise",),
    ast.Assert: ("assert",),
    ast.Global: ("global",),
    ast.Nonlocal: ("nonlocal",),
    ast.Delete: ("del",),
    ast.Pass: ("pass",),
    ast.Break: ("break",),
    ast.Continue: ("continue",),
    ast.Match: ("match",),
    ast.Import: ("import",),
    ast.ImportFrom: ("import",),
    ast.ListComp: ("list comprehension", "comprehension"),
    ast.SetComp: ("set comprehension", "comprehension"),
    ast.DictComp: ("dict comprehension", "comprehension"),
    ast.GeneratorExp: ("generator expression", "comprehension"),
    ast.JoinedStr: ("f-string",),
    ast.IfExp: ("conditional expression",),
    ast.NamedExpr: (":=",),
    ast.List: ("list literal",),
    ast.Dict: ("dict literal",),
    ast.Set: ("set literal",),
    ast.Slice: ("slice",),
    ast.And: ("and",),
    ast.Or: ("or",),
    ast.Not: ("not",),
    ast.In: ("in",),
    ast.NotIn: ("not in",),
    ast.Is: ("is",),
    ast.IsNot: ("is not",),
    ast.Eq: ("==",),
    ast.NotEq: ("!=",),
    ast.Lt: ("<",),
    ast.LtE: ("<=",),
    ast.Gt: (">",),
    ast.GtE: (">=",),
    ast.Add: ("+",),
    ast.Sub: ("-",),
    ast.Mult: ("*",),
    ast.Div: ("/",),
    ast.FloorDiv: ("//",),
    ast.Mod: ("%",),
    ast.Pow: ("**",),
    ast.MatMult: ("@",),
    ast.BitAnd: ("&",),
    ast.BitOr: ("|",),
    ast.BitXor: ("^",),
    ast.Invert: ("~",),
    ast.LShift: ("<<",),
    ast.RShift: (">>",),
}


def words(node: ast.AST) -> Iterator[str]:
    """Yield the words that `node` is."""
    yield from WORDS.get(type(node), ())
    match node:
        case ast.If(orelse=[ast.If() as other]) if other.col_offset == node.col_offset:
            yield "elif"  # an if in an else stands further to the right
        case ast.If(orelse=[_, *_]) | ast.For(orelse=[_, *_]) | ast.While(orelse=[_, *_]) | ast.Try(orelse=[_, *_]):
            yield "else"
        case ast.AsyncFor(orelse=[_, *_]) | ast.TryStar(orelse=[_, *_]):
            yield "else"
        case ast.AugAssign(op=operator):
            yield from (f"{word}=" for word in WORDS[type(operator)])
        case ast.FunctionDef(decorator_list=[_, *_]) | ast.AsyncFunctionDef(decorator_list=[_, *_]):
            yield "decorator"
        case ast.ClassDef(decorator_list=[_, *_]):
            yield "decorator"
        case ast.arguments():
            if node.defaults or any(node.kw_defaults):
                yield "default value"
        case ast.AnnAssign() | ast.arg(annotation=ast.expr()):
            yield "type hint"
    if isinstance(node, (ast.Try, ast.TryStar)) and node.finalbody:
        yield "finally"
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.returns is not None:
        yield "type hint"
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)) and ast.get_docstring(node):
        yield "docstring"


def operators(node: ast.AST) -> list[ast.AST]:
    """Return the operators of `node`, which have no line of their own."""
    match node:
        case ast.BoolOp(op=operator) | ast.BinOp(op=operator) | ast.UnaryOp(op=operator) | ast.AugAssign(op=operator):
            return [operator]
        case ast.Compare(ops=several):
            return list(several)
    return []
