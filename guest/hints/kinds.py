"""The types of values that beginners meet: a hint names one, if the service has words for it."""

KINDS = """
    str int float bool list tuple dict set function method builtin_function_or_method type range dict_keys dict_values
    dict_items
""".split()

FUNCTIONS = ("function", "method", "builtin_function_or_method")
"""The types among them that a program calls."""
