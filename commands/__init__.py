"""What make and the shell call. The lesson itself is `utils`."""

import sys
from pathlib import Path

# Another package called `utils` may come first on somebody's PYTHONPATH.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
