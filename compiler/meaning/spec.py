"""The checked program at the level of the user's concepts: every name resolved, every default written out.

Between the ast (what was written) and the ir (what is computed). `check/program.py` makes it, `lower/program.py` reads it,
the runtime takes from it what concerns data, reports and verdicts.
"""

from netc.compiler.meaning.spec_data import *
from netc.compiler.meaning.spec_network import *
from netc.compiler.meaning.spec_program import *
from netc.compiler.meaning.spec_sweeps import *
from netc.compiler.meaning.spec_training import *
