"""Finds out what a name in a program stands for, such as `os.system` for `x` after `from os import system as x`.

Such a full name is called a path here; that of a builtin is `builtins.sum`. Python decides some names only at run time:
what is said of those errs on the side of the builtin.
"""

from __future__ import annotations

import ast

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_PATHS, MOST_PARTS, MOST_ROUNDS = 20, 6, 10
"""Bounds for what a program assigns to a name, in how many steps: `a = a.b` has no end."""
DEEPEST = 20
"""How far we look into an expression for one path."""

FROM_ONE_ARGUMENT = ("get", "__getitem__", "__getattribute__")
IMPORTS = {"builtins.__import__", "importlib.import_module", "importlib.__import__"}

Paths = frozenset[str]
NOTHING: Paths = frozenset()


class Scope:
    """The module, a class, a function or a comprehension; what is bound in it, and what is assigned there."""

    def __init__(self, kind: str, parent: Scope | None = None, definition: ast.AST | None = None) -> None:
        self.kind = kind
        self.parent = parent
        self.definition = definition
        self.bound: set[str] = set()
        self.elsewhere: dict[str, str] = {}
        """The names that are declared as `global` or `nonlocal`, and which."""
        self.aliases: dict[str, Paths] = {}

    def owner(self, name: str) -> Scope:
        """Return the scope that binds `name` as it is read here: the module's if none does."""
        scope, is_global = self, False
        while scope.parent is not None:
            declared = scope.elsewhere.get(name)
            is_global = is_global or declared == "global"
            is_seen = scope.kind != "class" or scope is self
            if not is_global and declared is None and is_seen and name in scope.bound:
                return scope
            scope = scope.parent
        return scope

    def bind(self, name: str) -> Scope:
        """Note that `name` is bound here; return the scope in which that happens."""
        self.bound.add(name)
        return self.owner(name)


class Names:
    """Resolves the names of one program. `bind`, `imports` and `assign` are called first, in the order of the text."""

    def __init__(self, module: ast.Module) -> None:
        self.stars: set[str] = set()
        self._deleted: set[str] = set()
        self._assigned: list[tuple[Scope, str, ast.expr, int]] = []
        self._body = module.body
        self._bound_by: dict[str, int] = {}
        """The first statement of the module, by its index, that binds a name in any case."""
        for index, statement in enumerate(module.body):
            for name in _certainly_bound(statement):
                self._bound_by.setdefault(name, index)
        busy = (index for index, statement in enumerate(module.body) if _may_call(statement))
        self._first_busy = next(busy, len(module.body))

    def delete(self, name: str) -> None:
        """Note that `name` may be deleted."""
        self._deleted.add(name)

    def assign(self, scope: Scope, target: ast.expr, value: ast.expr, index: int) -> None:
        """Note an assignment of `value` in the statement of the module with this index."""
        if isinstance(target, ast.Name):
            self._assigned.append((scope, target.id, value, index))
        elif isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (ast.Tuple, ast.List)):
            for each, one in zip(target.elts, value.elts, strict=False):
                self.assign(scope, each, one, index)

    def alias(self, scope: Scope, name: str, path: str) -> None:
        """Note that an import binds `name` to `path`."""
        owner = scope.bind(name)
        owner.aliases[name] = owner.aliases.get(name, NOTHING) | {path}

    def follow_assignments(self) -> None:
        """Find out which names are others: `s = sum`, and then `t = s`."""
        for _ in range(MOST_ROUNDS):
            has_changed = False
            for scope, name, value, index in self._assigned:
                owner = scope.owner(name)
                known = owner.aliases.get(name, NOTHING)
                further = {path for path in self.paths(value, scope, index) if path.count(".") < MOST_PARTS}
                if further - known and len(known) < MOST_PATHS:
                    owner.aliases[name] = known | further
                    has_changed = True
            if not has_changed:
                return

    def paths(self, node: ast.expr, scope: Scope, index: int, depth: int = 0) -> Paths:
        """Return what `node`, in the statement of the module with this index, may stand for."""
        if depth > DEEPEST:
            return NOTHING
        match node:
            case ast.Name(name):
                return self._paths_of_name(name, scope, index)
            case ast.Attribute(value, attribute):
                return _joined(self.paths(value, scope, index, depth + 1), attribute)
            case ast.Subscript(value, ast.Constant(str(key))):
                return _joined(self.paths(value, scope, index, depth + 1), key)
            case ast.NamedExpr(_, value):
                return self.paths(value, scope, index, depth + 1)
            case ast.IfExp(_, one, other):
                return self.paths(one, scope, index, depth + 1) | self.paths(other, scope, index, depth + 1)
            case ast.Call(ast.Attribute(value, method), [ast.Constant(str(key)), *_]) if method in FROM_ONE_ARGUMENT:
                return _joined(self.paths(value, scope, index, depth + 1), key)
            case ast.Call(function, [first, *others]):
                return self._paths_of_call(function, first, others, scope, index, depth + 1)
        return NOTHING

    def _paths_of_call(
        self, function: ast.expr, first: ast.expr, others: list[ast.expr], scope: Scope, index: int, depth: int
    ) -> Paths:
        called = self.paths(function, scope, index, depth)
        match first, others:
            case ast.Constant(str(name)), _ if called & IMPORTS:
                return frozenset({name})
            case _, [ast.Constant(str(name)), *_] if "builtins.getattr" in called:
                return _joined(self.paths(first, scope, index, depth), name)
        return self.paths(first, scope, index, depth) if "builtins.vars" in called else NOTHING

    def _paths_of_name(self, name: str, scope: Scope, index: int) -> Paths:
        if name == "__builtins__":
            return frozenset({"builtins"})
        owner = scope.owner(name)
        known = owner.aliases.get(name, NOTHING)
        # A name that is local to a function never falls back to a builtin.
        is_own = owner.kind not in ("module", "class") or self._is_own(name, scope, index)
        return known if is_own else known | {f"{module}.{name}" for module in ("builtins", *self.stars)}

    def _is_own(self, name: str, scope: Scope, index: int) -> bool:
        """Return whether the module has certainly bound `name` when the statement with this index reads it."""
        bound_by = self._bound_by.get(name)
        if bound_by is None or name in self._deleted:
            return False
        if index > bound_by:
            return True
        while scope.kind in ("class", "comprehension") and scope.parent is not None:
            scope = scope.parent
        if scope.kind != "function":
            return False
        if index == bound_by:
            statement = self._body[index]
            return isinstance(statement, ast.FunctionDef) and not statement.decorator_list
        return self._first_busy >= bound_by  # it is read in a function, which nothing can have called so far


def _certainly_bound(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
            yield name
        case ast.Import(names) | ast.ImportFrom(names=names):
            yield from (each.asname or each.name.partition(".")[0] for each in names)
        case ast.Assign(targets):
            for target in targets:
                parts = target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
                yield from (each.id for each in parts if isinstance(each, ast.Name))
        case ast.AnnAssign(ast.Name(name), value=value) if value is not None:
            yield name


def _may_call(statement: ast.stmt) -> bool:
    """Return whether a statement of the module may call a function of the program."""
    match statement:
        case ast.FunctionDef(decorator_list=decorators, args=ast.arguments(defaults=defaults, kw_defaults=others)):
            return bool(decorators) or any(each and not isinstance(each, ast.Constant) for each in (*defaults, *others))
        case ast.Import() | ast.ImportFrom() | ast.Pass():
            return False
        case ast.Expr(value) | ast.Assign(value=value):
            return not isinstance(value, ast.Constant)
    return True


def _joined(paths: Paths, name: str) -> Paths:
    if name == "__builtins__":
        return frozenset({"builtins"})
    if name == "__dict__":
        return paths
    return frozenset({name if path == "sys.modules" else f"{path}.{name}" for path in paths})
