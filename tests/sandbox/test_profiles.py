"""The choice of a submission's profile is right for lessons and fast for any text."""

import time

import pytest

from executions.sandbox.profiles import Profile, choose_profile
from executions.sandbox.results import Submission, TestProgram


def profile_of(code: str, *test_codes: str) -> Profile:
    return choose_profile(Submission(code, "", tuple(TestProgram(code=test) for test in test_codes), 5))


@pytest.mark.parametrize(
    "code",
    [
        "import numpy",
        "import numpy as np\nprint(np.pi)",
        "x = 1\nimport pandas as pd",
        "from matplotlib import pyplot as plt",
        "import matplotlib.pyplot as plt",
        "import os, sys, numpy",
        "import os; import numpy",
        "def f():\n\timport numpy\n",
        "from PIL import Image",
        "from mpl_toolkits.mplot3d import Axes3D",
        "\ufeffx = 1\r\nimport numpy\r\n",
        "try: import numpy as np\nexcept ImportError: np = None",
        "if True: import pandas",
        "x = 1; import numpy",
        "import os, \\\n    numpy",
        "from matplotlib \\\r\n    import pyplot as plt\r\n",
        "from matplotlib import (\n    pyplot,\n)",
        "np = __import__('numpy')",
        "import importlib\nnp = importlib.import_module(\n    'numpy'\n)",
        "for name in ['num' + 'py', 'pan' + 'das']: globals()[name] = __import__(name)",
        "exec('import numpy')",
    ],
)
def test_science_is_recognised_by_its_imports(code: str) -> None:
    assert profile_of(code) is Profile.SCIENCE
    assert profile_of("print('Hello')", "print(1)", code) is Profile.SCIENCE


@pytest.mark.parametrize(
    "code",
    [
        "print('Hello')",
        "import math",
        "print('numpy')",
        "# no numpy here\nimport math",
        "import numpyish",
        "imported = 'numpy'",
        "from_ = numpy = 1",
        "# import numpy",
        "import math  # and not numpy",
        "import math\npandas = 3  # in the zoo",
        "important = numpy",
        "import_ = 'import'",
        "",
    ],
)
def test_other_programs_are_plain(code: str) -> None:
    assert profile_of(code, code) is Profile.PLAIN


@pytest.mark.parametrize(
    "code",
    ["import " * 9000, "from " * 13000 + "numpy", "\n" * 60000 + "numpy", "import \t" + " \t" * 30000 + "numpyish",
     "import numpy_" * 5000, "import x\n" * 7000 + "numpy_", "numpy_" + "import \\\n" * 7000, "\\\n" * 30000 + "numpy_",
     "numpy_import\n" * 5000, "import #" * 8000 + "numpy_"],
)  # fmt: skip
def test_hostile_text_takes_linear_time(code: str) -> None:
    """The longest possible request: 31 texts of 64 KiB each, within the 2 MiB of its body."""
    started = time.process_time()
    profile_of(code, *[code] * 30)
    assert time.process_time() - started < 5  # quadratic time would take minutes
