"""Says where a program uses the words of a rule, by its syntax tree. Nothing of the program runs.

It goes through the tree with a list of its own instead of calling itself, so that no nesting is too deep for it.
"""

from __future__ import annotations

import ast
import builtins

from guest.program.constructs import COMPREHENSIONS, LOOPS, operators, words
from guest.program.names import Names, Scope

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without importing typing
if TYPE_CHECKING:
    from collections.abc import Iterator

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
METHODS = {name for kind in (list, dict, set, str, bytes) for name in dir(kind)}
"""A method that calls one of these of an object of an unknown class probably calls that of a list, and not itself."""

Key = tuple[Scope, str]


class Site:
    """Where a node is: its scope, the index of its statement in the module, and whether it is in a loop."""

    __slots__ = ("index", "is_in_loop", "line", "scope")

    def __init__(self, scope: Scope, index: int, line: int = 1, is_in_loop: bool = False) -> None:
        self.scope = scope
        self.index = index
        self.line = line
        self.is_in_loop = is_in_loop


class Uses:
    """What a program uses. `lines` has the first line of each word, `defined` the parameters of its functions."""

    def __init__(self, module: ast.Module) -> None:
        self.lines: dict[str, int] = {}
        self.defined: dict[str, int] = {}
        self._names = Names(module)
        self._functions: dict[Key, int] = {}
        self._keys: dict[ast.AST | None, Key] = {}
        self._expressions: list[tuple[ast.expr, Site]] = []
        self._classes: set[str] = set()
        self._made: dict[str, set[str]] = {}
        """What is called for the object that an attribute gets: of `self.left = Node(1)`, `Node`."""
        self._read(module)
        self._names.follow_assignments()
        self._calls: dict[Key, set[Key]] = {key: set() for key in self._functions}
        for node, site in self._expressions:
            self._resolve(node, site)
        self._find_recursion()

    def answer(self, word: str) -> tuple[int, int]:
        """Return the line of `word`, 0 if it is not used; and for `def f` the number of the parameters of f."""
        line = self.lines.get(word) or self.lines.get(f"builtins.{word}", 0)
        return line, self.defined.get(word, 0)

    def _note(self, word: str, line: int) -> None:
        self.lines[word] = min(line, self.lines.get(word, line))

    def _read(self, module: ast.Module) -> None:
        """Take down the words, the scopes and the bindings, in the order of the text."""
        top = Scope("module")
        for word in words(module):
            self._note(word, 1)
        todo = [(node, Site(top, index)) for index, node in reversed(list(enumerate(module.body)))]
        waiting: list[tuple[ast.AST, Site]] = [*todo]
        while waiting:
            node, site = waiting.pop()
            line = getattr(node, "lineno", site.line)
            for each in (node, *operators(node)):
                for word in words(each):
                    self._note(word, line)
            if isinstance(node, LOOPS) and site.is_in_loop:
                self._note("nested loop", line)
            self._bind(node, site, line)
            waiting.extend(reversed(list(self._parts(node, site, line))))

    def _parts(self, node: ast.AST, site: Site, line: int) -> Iterator[tuple[ast.AST, Site]]:
        """Yield what `node` consists of, with its sites."""
        here = Site(site.scope, site.index, line, site.is_in_loop)
        inner: list[ast.AST] = []
        inside = here
        if isinstance(node, (*FUNCTIONS, ast.Lambda, ast.ClassDef)):
            kind = "class" if isinstance(node, ast.ClassDef) else "function"
            inside = Site(Scope(kind, site.scope, node), site.index, line)
            inner = [*node.body] if isinstance(node.body, list) else [node.body]
            if not isinstance(node, ast.ClassDef):
                inside.scope.bound.update(each.arg for each in parameters(node.args))
        elif isinstance(node, COMPREHENSIONS):
            inside = Site(Scope("comprehension", site.scope, node), site.index, line, site.is_in_loop)
            first, *others = node.generators
            yield first.iter, here
            inner = [first.target, *first.ifs, *others]
            inner += [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        elif isinstance(node, LOOPS):
            inside = Site(site.scope, site.index, line, is_in_loop=True)
            inner = [*node.body]
        skipped = {id(each) for each in inner}
        if not isinstance(node, COMPREHENSIONS):
            yield from ((each, here) for each in ast.iter_child_nodes(node) if id(each) not in skipped)
        yield from ((each, inside) for each in inner)

    def _bind(self, node: ast.AST, site: Site, line: int) -> None:
        scope, names = site.scope, self._names
        match node:
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name):
                self._define(name, node, node.args, scope, line)
            case ast.ClassDef(name) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                scope.bind(name)
                if isinstance(node, ast.ClassDef):
                    self._classes.add(name)
            case ast.ExceptHandler(name=str(name)) | ast.MatchMapping(rest=str(name)):
                scope.bind(name)
            case ast.Global(several) | ast.Nonlocal(several):
                kind = "global" if isinstance(node, ast.Global) else "nonlocal"
                scope.elsewhere.update(dict.fromkeys(several, kind))
            case ast.NamedExpr(ast.Name(name), value):
                while scope.kind == "comprehension" and scope.parent is not None:
                    scope = scope.parent
                scope.bind(name)
                names.assign(scope, node.target, value, site.index)
            case ast.Assign(targets, value):
                for target in targets:
                    if isinstance(target, ast.Attribute) and isinstance(value, ast.Call):
                        self._made.setdefault(target.attr, set()).add(getattr(value.func, "id", ""))
                    names.assign(scope, target, value, site.index)
                    if isinstance(target, ast.Name) and isinstance(value, ast.Lambda):
                        self._define(target.id, value, value.args, scope, line)
            case ast.AnnAssign(target, value=ast.expr() as value):
                names.assign(scope, target, value, site.index)
            case ast.Import(several):
                for each in several:
                    self._import(each.name, line)
                    root = each.name.partition(".")[0]
                    names.alias(scope, each.asname or root, each.name if each.asname else root)
            case ast.ImportFrom(str(module), several, level=0):
                self._import_from(module, several, scope, line)
            case ast.Name(name, ast.Del()):
                names.delete(name)
                scope.bind(name)
            case ast.Name(name, ast.Store()):
                scope.bind(name)
        if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript, ast.Call)):
            self._expressions.append((node, site))

    def _define(self, name: str, function: ast.AST, arguments: ast.arguments, scope: Scope, line: int) -> None:
        owner = scope.bind(name)
        self._functions.setdefault((owner, name), line)
        self._keys[function] = owner, name
        if owner.kind == "module":
            self.lines[f"def {name}"] = line  # the last one counts
            self.defined[f"def {name}"] = len(list(parameters(arguments)))

    def _import(self, module: str, line: int) -> None:
        parts = module.split(".")
        for count in range(1, min(len(parts), 10) + 1):
            self._note("import " + ".".join(parts[:count]), line)

    def _import_from(self, module: str, several: list[ast.alias], scope: Scope, line: int) -> None:
        self._import(module, line)
        for each in several:
            if each.name == "*":
                self._names.stars.add(module)
                continue
            self._note(f"{module}.{each.name}", line)
            self._note(f"import {module}.{each.name}", line)  # it may be a module too
            self._names.alias(scope, each.asname or each.name, f"{module}.{each.name}")

    def _resolve(self, node: ast.expr, site: Site) -> None:
        """Note what an expression stands for, and which function of the program it mentions."""
        scope, line = site.scope, node.lineno
        match node:
            case ast.Name(name, ast.Load()):
                self._mention((scope.owner(name), name), scope)
            case ast.Attribute(value, name):
                self._note(f".{name}", line)
                self._mention_method(value, name, scope)
            case ast.Call(ast.Name("getattr"), [_, ast.Constant(str(name)), *_]):
                self._note(f".{name}", line)
        if isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del)):
            return
        for path in self._names.paths(node, scope, site.index):
            if _is_word(path):
                self._note(path, line)
            if isinstance(node, (ast.Call, ast.Subscript)):  # __import__("os"), sys.modules["os"]
                self._import(path, line)

    def _mention_method(self, value: ast.expr, name: str, scope: Scope) -> None:
        """Note a call of a method of the same class: `self.f()`, or as in a tree `self.left.f()`.

        The latter is one if the program makes `left` of this class. If it does not show of which, the name decides.
        """
        inner = scope
        while inner.kind != "class" and inner.parent is not None:
            inner = inner.parent
        if inner.kind != "class":
            return
        its_name = getattr(inner.definition, "name", "")
        made = self._classes & self._made.get(getattr(value, "attr", ""), set())
        match value:
            case ast.Name(owner) if owner in ("self", "cls", its_name):
                self._mention((inner, name), scope)
            case ast.Call(ast.Name("super")):
                return
            case _ if its_name in made or (not made and name not in METHODS):
                self._mention((inner, name), scope)

    def _mention(self, key: Key, scope: Scope) -> None:
        caller = self._function_of(scope)
        if caller is not None and key in self._functions:
            self._calls[caller].add(key)

    def _function_of(self, scope: Scope | None) -> Key | None:
        while scope is not None:
            if scope.definition in self._keys:
                return self._keys[scope.definition]
            scope = scope.parent
        return None

    def _find_recursion(self) -> None:
        from graphlib import CycleError, TopologicalSorter

        try:
            TopologicalSorter(self._calls).prepare()
        except CycleError as error:
            self._note("recursion", min(self._functions[key] for key in error.args[1]))


def _is_word(path: str) -> bool:
    """Return whether a rule can name this path: not a module, an unknown name, or what `__import__("def f")` gives."""
    module, *names = path.split(".")
    if not names or (module == "builtins" and not hasattr(builtins, names[0])):
        return False
    return all(part.isidentifier() for part in (module, *names))


def parameters(arguments: ast.arguments) -> Iterator[ast.arg]:
    """Yield all parameters; `*args` and `**kwargs` are one each."""
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from (each for each in (arguments.vararg, arguments.kwarg) if each is not None)
